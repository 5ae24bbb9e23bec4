//! Tells when files of directories may have changed (inotify(7)).

use crate::error::{Result, errno_of, failed, from_napi};
use crate::stop::{Stop, Wake};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::{Errno, read};
use std::thread::JoinHandle;

type Callback = ThreadsafeFunction<(), (), (), napi::Status, false>;

/// A thread that sleeps until something happens in a directory.
#[napi]
pub struct DirectoryWatch {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

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
        let stop = Stop::new().map_err(|errno| failed("eventfd", errno))?;
        let callback: Callback = on_change
            .build_threadsafe_function()
            .build()
            .map_err(from_napi)?;
        let thread = std::thread::Builder::new()
            .name("file-watch".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let stop = stop.clone();
                move || report_changes(&changes, &stop, &callback)
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already ended the process.
            drop(thread.join());
        }
    }
}

impl Drop for DirectoryWatch {
    fn drop(&mut self) {
        self.close();
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

fn report_changes(changes: &OwnedFd, stop: &Stop, callback: &Callback) {
    let waited = [(changes.as_fd(), PollFlags::IN)];
    while let Ok(Wake::Ready(_)) = stop.wait(&waited) {
        if drained(changes) {
            // Fails only while the runtime is ending: nobody is left to tell.
            callback.call((), ThreadsafeFunctionCallMode::NonBlocking);
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
