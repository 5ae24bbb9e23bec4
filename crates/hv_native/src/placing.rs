//! Calls on files that Bun does not have, made by a thread of the pool: on a
//! frozen file system they last until it is thawed.

use crate::attributes::hand_over;
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;
use rustix::fs::{
    AtFlags, CWD, FallocateFlags, Mode, OFlags, RenameFlags, fallocate, linkat, open, renameat_with,
};
use rustix::io::Result;

/// One call, to be made by a thread of the pool.
pub enum Call {
    /// fallocate(2) of so many bytes, without a change of the file's size.
    Reserve(String, u64),
    /// linkat(2), which follows a symbolic link at its source.
    Link(String, String),
    /// renameat2(2) with `RENAME_NOREPLACE`.
    RenameNew(String, String),
    /// [`hand_over`].
    HandOver(String, String),
}

impl Call {
    fn run(&self) -> Result<()> {
        match self {
            Self::Reserve(path, bytes) => {
                let file = open(
                    path.as_str(),
                    OFlags::WRONLY | OFlags::CLOEXEC,
                    Mode::empty(),
                )?;
                fallocate(&file, FallocateFlags::KEEP_SIZE, 0, *bytes)
            }
            Self::Link(from, to) => linkat(
                CWD,
                from.as_str(),
                CWD,
                to.as_str(),
                AtFlags::SYMLINK_FOLLOW,
            ),
            Self::RenameNew(from, to) => {
                renameat_with(CWD, from.as_str(), CWD, to.as_str(), RenameFlags::NOREPLACE)
            }
            Self::HandOver(from, to) => hand_over(from, to),
        }
    }
}

/// A [`Call`] under way: a promise of its errno, 0 for none.
pub struct PendingCall(Call);

impl Task for PendingCall {
    type Output = i32;
    type JsValue = i32;

    fn compute(&mut self) -> napi::Result<i32> {
        Ok(match self.0.run() {
            Ok(()) => 0,
            Err(errno) => errno.raw_os_error(),
        })
    }

    fn resolve(&mut self, _env: Env, errno: i32) -> napi::Result<i32> {
        Ok(errno)
    }
}

/// Reserves `bytes` for the file at `path`, whose size does not change.
/// Resolves to an errno: `ENOSPC`, `EDQUOT`, `EFBIG`, `EOPNOTSUPP`; 0 done.
#[napi]
pub fn reserve_space(path: String, bytes: f64) -> AsyncTask<PendingCall> {
    AsyncTask::new(PendingCall(Call::Reserve(path, bytes as u64)))
}

/// Gives the file at `from` (such as `/proc/self/fd/N`) another name. Resolves
/// to an errno: `EEXIST`, `EXDEV`, `ENOENT`, `EPERM`; 0 done.
#[napi]
pub fn link_file(from: String, to: String) -> AsyncTask<PendingCall> {
    AsyncTask::new(PendingCall(Call::Link(from, to)))
}

/// Renames without replacing anything. Resolves to an errno: `EEXIST`, `EINVAL`
/// the file system cannot; 0 done.
#[napi]
pub fn rename_new(from: String, to: String) -> AsyncTask<PendingCall> {
    AsyncTask::new(PendingCall(Call::RenameNew(from, to)))
}

/// Gives the file at `to` the access list, the security label and the users'
/// attributes of the file at `from`. Resolves to an errno: `ENOENT`, `ENOSPC`; 0 done.
#[napi]
pub fn hand_over_attributes(from: String, to: String) -> AsyncTask<PendingCall> {
    AsyncTask::new(PendingCall(Call::HandOver(from, to)))
}
