//! A thread that sleeps until something changes and calls back into JavaScript: what
//! the watches of devices, directories and the network have in common.

use crate::error::{Result, errno_of, failed, from_napi};
use crate::stop::Stop;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use std::thread::JoinHandle;

/// Tells JavaScript of a change.
pub struct OnChange(ThreadsafeFunction<(), (), (), napi::Status, false>);

impl OnChange {
    /// Calls back, soon and from the event loop.
    pub fn tell(&self) {
        // Fails only while the runtime is ending: nobody is left to tell.
        self.0.call((), ThreadsafeFunctionCallMode::NonBlocking);
    }
}

/// A running watch. Dropped, it ends its thread.
pub struct WatchThread {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl WatchThread {
    /// Runs `watch` in a thread called `name` until it returns, which it does when
    /// its [`Stop`] is requested.
    ///
    /// # Errors
    /// `EMFILE` and the like, from eventfd(2); `EAGAIN` when no thread can be made.
    pub fn start(
        name: &str,
        on_change: Function<'_, (), ()>,
        watch: impl FnOnce(&Stop, &OnChange) + Send + 'static,
    ) -> Result<Self> {
        let stop = Stop::new().map_err(|errno| failed("eventfd", errno))?;
        let on_change = OnChange(
            on_change
                .build_threadsafe_function()
                .build()
                .map_err(from_napi)?,
        );
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let stop = stop.clone();
                move || watch(&stop, &on_change)
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends the thread. Later calls do nothing.
    pub fn close(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already ended the process.
            drop(thread.join());
        }
    }
}

impl Drop for WatchThread {
    fn drop(&mut self) {
        self.close();
    }
}
