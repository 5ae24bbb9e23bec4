//! Memory that the agent and its guard share: which file systems the agent has
//! frozen, and how the guard's thaw of each went.
#![expect(unsafe_code, reason = "memory of two processes")]

use crate::guard_loop::MAX_HELD;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

/// One file system, by its place in the order of freezing.
#[derive(Default)]
struct Entry {
    /// Set before the freeze, and taken back when it fails.
    ours: AtomicBool,
    /// The errno of the thaw, or 0.
    result: AtomicI32,
}

/// The shared memory. All zeros, as the kernel gives it, is a valid one.
#[repr(C)]
struct Table {
    /// Entries that wait for a thaw; they are taken from the end.
    waiting: AtomicUsize,
    entries: [Entry; MAX_HELD],
}

/// The shared memory of one agent and the guards that it forks.
pub struct GuardTable(NonNull<Table>);

// SAFETY: all of it is atomic.
unsafe impl Send for GuardTable {}
// SAFETY: all of it is atomic.
unsafe impl Sync for GuardTable {}

impl GuardTable {
    /// # Errors
    /// `ENOMEM`.
    pub fn new() -> Result<Self, Errno> {
        // SAFETY: a new mapping, at a place that the kernel chooses.
        let memory = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                size_of::<Table>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
            )?
        };
        NonNull::new(memory.cast()).map(Self).ok_or(Errno::NOMEM)
    }

    /// The same memory for the child of a fork, which never gives it back.
    pub fn handle(&self) -> ManuallyDrop<Self> {
        ManuallyDrop::new(Self(self.0))
    }

    fn table(&self) -> &Table {
        // SAFETY: mapped as long as `self` lives, aligned to a page, never written
        // but through atomics.
        unsafe { self.0.as_ref() }
    }

    /// Nothing is ours.
    pub fn reset(&self) {
        for entry in &self.table().entries {
            entry.ours.store(false, Ordering::SeqCst);
        }
    }

    /// Whether the agent freezes the file system or has frozen it.
    pub fn set_ours(&self, member: usize, ours: bool) {
        if let Some(entry) = self.table().entries.get(member) {
            entry.ours.store(ours, Ordering::SeqCst);
        }
    }

    /// How the last thaw of a file system went.
    ///
    /// # Errors
    /// `EINVAL` it was not frozen; those of FITHAW.
    pub fn result(&self, member: usize) -> Result<(), Errno> {
        let entry = self.table().entries.get(member).ok_or(Errno::INVAL)?;
        match entry.result.load(Ordering::SeqCst) {
            0 => Ok(()),
            errno => Err(Errno::from_raw_os_error(errno)),
        }
    }

    /// Lets the first `count` file systems wait for a thaw.
    pub fn wait_for_thaw(&self, count: usize) {
        self.table().waiting.store(count, Ordering::SeqCst);
    }

    /// Takes file systems of ours that wait, the last frozen first, thaws them and
    /// keeps the results. Several processes may do it at once.
    pub fn thaw_waiting(&self, thaw: impl Fn(usize) -> Result<(), Errno>) {
        let table = self.table();
        let one_less = |waiting: usize| waiting.checked_sub(1);
        while let Ok(waiting) =
            table
                .waiting
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
        {
            let member = waiting - 1;
            let Some(entry) = table.entries.get(member) else {
                continue;
            };
            if entry.ours.load(Ordering::SeqCst) {
                // Stays when this process is killed.
                let killed = Errno::INTR.raw_os_error();
                entry.result.store(killed, Ordering::SeqCst);
                let errno = thaw(member).err().map_or(0, Errno::raw_os_error);
                entry.result.store(errno, Ordering::SeqCst);
            }
        }
    }

    /// The last failure to thaw one of ours among the first `count`, or 0; not being
    /// frozen is none.
    pub fn failure(&self, count: usize) -> i32 {
        let is_failure = |errno: &i32| *errno != 0 && *errno != Errno::INVAL.raw_os_error();
        self.table()
            .entries
            .iter()
            .take(count)
            .filter(|entry| entry.ours.load(Ordering::SeqCst))
            .map(|entry| entry.result.load(Ordering::SeqCst))
            .filter(is_failure)
            .last()
            .unwrap_or(0)
    }
}

impl Drop for GuardTable {
    fn drop(&mut self) {
        // SAFETY: mapped by `new`, and no reference outlives `self`.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), size_of::<Table>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::GuardTable;
    use rustix::io::Errno;
    use std::cell::RefCell;

    #[test]
    fn thaws_what_is_ours_in_reverse_and_keeps_the_results() {
        let table = GuardTable::new().unwrap();
        for member in [0, 2, 3] {
            table.set_ours(member, true);
        }
        let order = RefCell::new(Vec::new());
        table.wait_for_thaw(4);
        table.thaw_waiting(|member| {
            order.borrow_mut().push(member);
            match member {
                2 => Err(Errno::INVAL),
                3 => Err(Errno::IO),
                _ => Ok(()),
            }
        });
        assert_eq!(order.into_inner(), [3, 2, 0]);
        assert_eq!(table.result(0), Ok(()));
        assert_eq!(table.result(2), Err(Errno::INVAL));
        assert_eq!(table.failure(4), Errno::IO.raw_os_error());
        table.set_ours(3, false);
        assert_eq!(table.failure(4), 0);
        table.reset();
        table.wait_for_thaw(4);
        table.thaw_waiting(|_| Err(Errno::IO));
        assert_eq!(table.result(0), Ok(()));
    }
}
