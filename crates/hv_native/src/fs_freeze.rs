//! FIFREEZE and FITHAW (fs/ioctl.c): they stop and resume the writers of a file
//! system, and take any open descriptor on it.
#![expect(unsafe_code, reason = "ioctl(2)")]

use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::ioctl::{NoArg, Opcode, ioctl, opcode};

const FIFREEZE: Opcode = opcode::read_write::<i32>(b'X', 119);
const FITHAW: Opcode = opcode::read_write::<i32>(b'X', 120);

/// Flushes and freezes the file system of `fd`; returns when no write is under way.
///
/// # Errors
/// `EBUSY` somebody has frozen it already, `EOPNOTSUPP` or `ENOTTY` it cannot be
/// frozen, `EPERM` without CAP_SYS_ADMIN, `EIO` and the like from the flush.
pub fn freeze(fd: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the kernel ignores the argument of FIFREEZE.
    call(|| unsafe { ioctl(&fd, NoArg::<FIFREEZE>::new()) })
}

/// Thaws the file system of `fd`.
///
/// # Errors
/// `EINVAL` it is not frozen; `EPERM`, `EIO`.
pub fn thaw(fd: impl AsFd) -> Result<(), Errno> {
    // SAFETY: the kernel ignores the argument of FITHAW.
    call(|| unsafe { ioctl(&fd, NoArg::<FITHAW>::new()) })
}

fn call(mut ioctl: impl FnMut() -> Result<(), Errno>) -> Result<(), Errno> {
    loop {
        match ioctl() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}
