//! The marker of a freeze: a locked file that says what is frozen. Whoever finds
//! it with text and without a lock knows that everybody who could thaw is dead.

use crate::error::{Result, failed};
use napi_derive::napi;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, ftruncate, open};
use rustix::io::{Errno, pread, pwrite};

/// A marker file, locked until it is closed in the agent and in its guard.
pub struct Marker(OwnedFd);

impl Marker {
    /// Opens or makes the file and locks it.
    ///
    /// # Errors
    /// `EAGAIN` somebody alive has it locked; those of open(2).
    pub fn lock(path: &str) -> std::result::Result<Self, Errno> {
        let file = open(
            path,
            OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::RUSR | Mode::WUSR,
        )?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self(file))
    }

    /// Replaces the text.
    ///
    /// # Errors
    /// Those of write(2).
    pub fn write(&self, text: &str) -> std::result::Result<(), Errno> {
        self.clear()?;
        match pwrite(&self.0, text.as_bytes(), 0)? {
            count if count == text.len() => Ok(()),
            _ => Err(Errno::NOSPC),
        }
    }

    /// Empties the file: nothing is frozen.
    ///
    /// # Errors
    /// Those of ftruncate(2).
    pub fn clear(&self) -> std::result::Result<(), Errno> {
        ftruncate(&self.0, 0)
    }

    fn read(&self) -> std::result::Result<String, Errno> {
        let length = usize::try_from(fstat(&self.0)?.st_size).unwrap_or_default();
        let mut bytes = vec![0; length];
        let count = pread(&self.0, &mut *bytes, 0)?;
        bytes.truncate(count);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl AsFd for Marker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a dead agent has left: a marker that nobody holds any more.
#[napi]
pub struct FreezeMarker {
    path: String,
    marker: Option<Marker>,
}

#[napi]
impl FreezeMarker {
    /// Locks the marker at `path`, which is made when it is missing.
    ///
    /// # Errors
    /// `EAGAIN` a freeze is under way; those of open(2).
    #[napi(constructor)]
    pub fn new(path: String) -> Result<Self> {
        let marker =
            Marker::lock(&path).map_err(|errno| failed(format!("lock '{path}'"), errno))?;
        Ok(Self {
            path,
            marker: Some(marker),
        })
    }

    /// The text that was left; empty when nothing is frozen.
    ///
    /// # Errors
    /// `EBADF` after [`Self::close`]; those of read(2).
    #[napi]
    pub fn read(&self) -> Result<String> {
        self.with(Marker::read)
    }

    /// Empties the file.
    ///
    /// # Errors
    /// As [`Self::read`].
    #[napi]
    pub fn clear(&self) -> Result<()> {
        self.with(Marker::clear)
    }

    /// Unlocks. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.marker = None;
    }

    fn with<T>(&self, act: impl FnOnce(&Marker) -> std::result::Result<T, Errno>) -> Result<T> {
        self.marker
            .as_ref()
            .ok_or(Errno::BADF)
            .and_then(act)
            .map_err(|errno| failed(format!("use '{}'", self.path), errno))
    }
}
