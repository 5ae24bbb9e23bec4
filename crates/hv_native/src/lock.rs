//! Holds a file against every other program, whichever kind of lock it takes.
//!
//! flock(2) and record locks of fcntl(2) do not see each other, so both are
//! taken. The record lock belongs to the open file description (`F_OFD_SETLK`):
//! a lock of the process would end when the process closes any other descriptor
//! of the file.
#![expect(
    unsafe_code,
    reason = "rustix has no open-file-description locks, and the descriptor is TypeScript's"
)]

use crate::error::{Result, failed};
use napi_derive::napi;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_micros(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(1);

/// Locks the file behind `fd` in both ways, shared or exclusive, until the
/// descriptor is closed. False when another program still holds it after
/// `wait_milliseconds`.
///
/// # Errors
/// `EBADF` for a descriptor that does not fit the lock (an exclusive one needs
/// writing), `ENOLCK`, `EOPNOTSUPP` from a file system without locks.
#[napi]
pub fn lock_file(fd: i32, exclusive: bool, wait_milliseconds: u32) -> Result<bool> {
    if fd < 0 {
        return Err(failed("lock a file", Errno::BADF));
    }
    // SAFETY: TypeScript keeps the descriptor open for the length of this call,
    // which runs on its only thread.
    let file = unsafe { BorrowedFd::borrow_raw(fd) };
    let wait = Duration::from_millis(u64::from(wait_milliseconds));
    lock(file, exclusive, wait).map_err(|errno| failed("lock a file", errno))
}

fn lock(file: BorrowedFd<'_>, exclusive: bool, wait: Duration) -> rustix::io::Result<bool> {
    let deadline = Instant::now() + wait;
    let mut pause = FIRST_PAUSE;
    loop {
        match try_lock(file, exclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::AGAIN | Errno::ACCESS) => {}
            Err(errno) => return Err(errno),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Takes both locks or none: who waits holds nothing, so that two programs that
/// take them in different orders do not wait for each other.
fn try_lock(file: BorrowedFd<'_>, exclusive: bool) -> rustix::io::Result<()> {
    flock(
        file,
        if exclusive {
            FlockOperation::NonBlockingLockExclusive
        } else {
            FlockOperation::NonBlockingLockShared
        },
    )?;
    try_record_lock(file, exclusive).inspect_err(|_| {
        // Unlocking a held lock does not fail.
        let _ = flock(file, FlockOperation::Unlock);
    })
}

fn try_record_lock(file: BorrowedFd<'_>, exclusive: bool) -> rustix::io::Result<()> {
    let kind = if exclusive {
        libc::F_WRLCK
    } else {
        libc::F_RDLCK
    };
    // SAFETY: flock is a plain C struct, for which all zeros is the whole file
    // from its beginning.
    let mut range: libc::flock = unsafe { std::mem::zeroed() };
    range.l_type = i16::try_from(kind).map_err(|_| Errno::INVAL)?;
    range.l_whence = i16::try_from(libc::SEEK_SET).map_err(|_| Errno::INVAL)?;
    // SAFETY: the descriptor is open and `range` outlives the call.
    let result = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw mut range) };
    if result == 0 {
        return Ok(());
    }
    Err(crate::error::errno_of(&std::io::Error::last_os_error()))
}

/// The clock that file systems stamp files with, in whole milliseconds since the
/// epoch: it stands still between two timer interrupts.
#[napi]
pub fn file_time() -> f64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since the epoch fit 53 bits"
    )]
    let milliseconds = (now.tv_sec * 1000 + now.tv_nsec / 1_000_000) as f64;
    milliseconds
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::{AsFd, OwnedFd};
    use rustix::fs::{MemfdFlags, Mode, OFlags, memfd_create, open};

    fn opened_twice() -> (OwnedFd, OwnedFd) {
        let first = memfd_create("lock", MemfdFlags::CLOEXEC).expect("a memory file");
        let path = format!("/proc/self/fd/{}", first.as_raw_fd());
        let second = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).expect("opened");
        (first, second)
    }

    const NO_WAIT: Duration = Duration::ZERO;

    #[test]
    fn a_second_description_waits_for_the_first() {
        let (first, second) = opened_twice();
        assert_eq!(lock(first.as_fd(), true, NO_WAIT), Ok(true));
        let short = Duration::from_millis(5);
        assert_eq!(lock(second.as_fd(), true, short), Ok(false));
        drop(first);
        assert_eq!(lock(second.as_fd(), true, NO_WAIT), Ok(true));
    }

    #[test]
    fn a_record_lock_alone_is_respected_and_leaves_no_flock_behind() {
        let (first, second) = opened_twice();
        assert_eq!(try_record_lock(first.as_fd(), true), Ok(()));
        assert_eq!(lock(second.as_fd(), true, NO_WAIT), Ok(false));
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        assert_eq!(flock(&first, exclusive), Ok(()));
    }

    #[test]
    fn readers_share() {
        let (first, second) = opened_twice();
        assert_eq!(lock(first.as_fd(), false, NO_WAIT), Ok(true));
        assert_eq!(lock(second.as_fd(), false, NO_WAIT), Ok(true));
    }
}
