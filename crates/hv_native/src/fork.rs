//! fork(2) without the C library's handlers, for a child that makes system calls
//! and nothing else.
#![expect(unsafe_code, reason = "a process is forked")]

use rustix::io::Errno;
use rustix::process::Pid;

/// Which of the two processes this is.
pub enum Fork {
    /// The new one.
    Child,
    /// The old one.
    Parent(Pid),
}

/// Forks. The child has the calling thread alone: it must not allocate, take a
/// lock, panic or return to a runtime, and ends by [`exit`].
///
/// # Errors
/// `EAGAIN` too many processes, `ENOMEM`.
pub fn fork() -> Result<Fork, Errno> {
    // SAFETY: without CLONE_VM the child has a copy of the memory, so that nothing
    // of this process changes; the callers' children keep to what is said above.
    let result = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    match i32::try_from(result) {
        Ok(0) => Ok(Fork::Child),
        Ok(id) => Pid::from_raw(id).map(Fork::Parent).ok_or(Errno::AGAIN),
        Err(_) => Err(Errno::AGAIN),
    }
}

/// Ends the process at once; `status` keeps its low 8 bits.
pub fn exit(status: i32) -> ! {
    // SAFETY: runs no handler and touches no memory.
    unsafe { libc::_exit(status) }
}

/// Blocks every signal for the calling thread and the processes it forks.
pub fn block_signals() {
    // The kernel's set; the C library's function has a new version in glibc 2.32.
    let all = u64::MAX;
    // SAFETY: the kernel reads eight bytes of the set and writes no old one.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_BLOCK,
            &raw const all,
            0,
            size_of_val(&all),
        )
    };
}

/// Closes every descriptor except `kept`, which must be sorted.
pub fn close_all_but(kept: &[i32]) {
    let mut first = 0;
    for fd in kept {
        if first < *fd {
            close_range(first, *fd - 1);
        }
        first = fd.saturating_add(1);
    }
    close_range(first, i32::MAX);
}

fn close_range(first: i32, last: i32) {
    // SAFETY: the caller owns the process: nobody uses the descriptors any more.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if result == 0 {
        return;
    }
    // Before Linux 5.9. Descriptors are numbered from the lowest free one: a few
    // hundred are in use at most.
    for fd in first..=last.min(4096) {
        // SAFETY: as above.
        unsafe { libc::close(fd) };
    }
}

/// Gives memory back to the kernel.
///
/// # Safety
/// Nothing in the ranges may be used again.
pub unsafe fn discard(ranges: &[(usize, usize)]) {
    for (start, end) in ranges {
        // SAFETY: the caller's promise. A failure leaves the memory in place.
        unsafe {
            libc::munmap(
                std::ptr::with_exposed_provenance_mut(*start),
                end.saturating_sub(*start),
            )
        };
    }
}
