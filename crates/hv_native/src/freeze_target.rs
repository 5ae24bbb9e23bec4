//! One file system of a freeze, and the descriptor that it is frozen by.

use crate::file_name::bytes_of_name;
use napi_derive::napi;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags, open, statx};
use rustix::io::Errno;

/// `STATX_MNT_ID` (include/uapi/linux/stat.h, Linux 5.8).
const STATX_MNT_ID: u32 = 0x1000;

/// A file system to freeze.
#[napi(object)]
pub struct FreezeTarget {
    /// A directory or file on it, such as its mount point; see `file_name.rs`.
    pub path: String,
    /// The mount that `path` must be on (the first field of mountinfo).
    pub mount_id: i64,
}

impl FreezeTarget {
    /// Opens the path, which must be on the mount that was meant: a file system
    /// that has been unmounted meanwhile would leave the directory below it.
    ///
    /// # Errors
    /// Those of open(2); `ESTALE` when it is on another mount.
    pub fn open(&self) -> Result<OwnedFd, Errno> {
        let fd = open(
            bytes_of_name(&self.path),
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let wanted = StatxFlags::from_bits_retain(STATX_MNT_ID);
        match statx(&fd, c"", AtFlags::EMPTY_PATH, wanted) {
            Ok(found)
                if found.stx_mask & STATX_MNT_ID != 0
                    && i64::try_from(found.stx_mnt_id) != Ok(self.mount_id) =>
            {
                Err(Errno::STALE)
            }
            // An older kernel does not tell.
            _ => Ok(fd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount_id_of(path: &str) -> i64 {
        let wanted = StatxFlags::from_bits_retain(STATX_MNT_ID);
        let found = statx(rustix::fs::CWD, path, AtFlags::empty(), wanted).expect("statx");
        i64::try_from(found.stx_mnt_id).expect("a small number")
    }

    #[test]
    fn the_mount_that_was_meant_is_opened() {
        let target = FreezeTarget {
            path: "/proc".to_owned(),
            mount_id: mount_id_of("/proc"),
        };
        assert!(target.open().is_ok());
    }

    #[test]
    fn another_mount_in_its_place_is_stale() {
        let target = FreezeTarget {
            path: "/proc".to_owned(),
            mount_id: mount_id_of("/"),
        };
        assert_eq!(target.open().err(), Some(Errno::STALE));
    }

    #[test]
    fn a_path_that_is_gone_is_told_as_such() {
        let target = FreezeTarget {
            path: "/nonexistent".to_owned(),
            mount_id: 1,
        };
        assert_eq!(target.open().err(), Some(Errno::NOENT));
    }
}
