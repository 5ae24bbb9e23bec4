//! Tells when files of directories may have changed (inotify(7)).

use crate::error::{Result, failed};
use crate::stop::{Stop, Wake};
use crate::watch_thread::{OnChange, WatchThread};
use napi::bindgen_prelude::Function;
use napi_derive::napi;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::{Errno, read};

/// A thread that sleeps until something happens in a directory.
#[napi]
pub struct DirectoryWatch(WatchThread);

#[napi]
impl DirectoryWatch {
    /// Calls `on_change` after entries of `directory` were made, written, moved or
    /// removed, and after it was moved or removed itself. Events are merged; after
    /// the constructor has returned none is missed.
    ///
    /// # Errors
    /// Those of inotify_init1(2), inotify_add_watch(2) and of starting a thread.
    #[napi(constructor)]
    pub fn new(directory: String, on_change: Function<'_, (), ()>) -> Result<Self> {
        let changes = watch_directory(&directory)
            .map_err(|errno| failed(format!("watch '{directory}'"), errno))?;
        WatchThread::start("file-watch", on_change, move |stop, on_change| {
            report_changes(&changes, stop, on_change);
        })
        .map(Self)
    }

    /// Ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.0.close();
    }
}

fn watch_directory(directory: &str) -> rustix::io::Result<OwnedFd> {
    let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let events = WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::ATTRIB
        | WatchFlags::DELETE
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR;
    inotify::add_watch(&changes, directory, events)?;
    Ok(changes)
}

fn report_changes(changes: &OwnedFd, stop: &Stop, on_change: &OnChange) {
    let waited = [(changes.as_fd(), PollFlags::IN)];
    while let Ok(Wake::Ready(_)) = stop.wait(&waited) {
        if drained(changes) {
            on_change.tell();
        }
    }
}

/// Takes all waiting events, whose content does not matter; false when there was none.
fn drained(changes: &OwnedFd) -> bool {
    let mut buffer = [0; 4096];
    let mut changed = false;
    loop {
        match read(changes, &mut buffer) {
            Ok(count) if count > 0 => changed = true,
            Err(Errno::INTR) => {}
            _ => return changed,
        }
    }
}
