//! Freezes a list of file systems and keeps them frozen until told, on
//! descriptors that were opened before the first freeze.

use crate::error::{Result, errno_of, failed, from_napi};
use crate::freeze_run::{Request, lock, run};
use crate::freeze_target::FreezeTarget;
use crate::guard_process::GuardProcess;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::sync::{Arc, Mutex};

/// What [`Freeze`] is asked to do.
#[napi(object)]
pub struct FreezeOptions {
    /// Frozen step after step; the members of a step side by side.
    pub steps: Vec<Vec<FreezeTarget>>,
    /// No file system stays frozen longer than this, counted from the start.
    pub deadline_milliseconds: u32,
    /// A file on a file system that is never frozen.
    pub marker_path: String,
    /// Written to the marker while anything may be frozen.
    pub marker_text: String,
    /// Passes over what somebody else has frozen, instead of failing.
    pub pass_over_frozen: bool,
}

/// A call that failed.
#[napi(object)]
#[derive(Clone)]
pub struct FreezeFailure {
    /// `open`, `freeze`, `thaw`, `guard`, `mark` or `deadline`.
    pub act: String,
    /// The file system or the marker.
    pub path: String,
    /// The kernel's reason.
    pub errno: i32,
}

/// What has happened.
#[napi(object)]
#[derive(Clone, Default)]
pub struct FreezeEvent {
    /// `frozen`; `refused`, all is thawed again; `thawed`.
    pub kind: String,
    /// `refused`: the reason first, then what could not be thawed again.
    /// `thawed`: what could not be thawed.
    pub failures: Vec<FreezeFailure>,
    /// `frozen`: frozen by somebody else, and passed over.
    pub passed_over: Vec<String>,
    /// `thawed`: had been thawed before, by the deadline or by somebody else.
    pub lost: Vec<String>,
    /// `thawed`: the guard has thawed because the deadline passed.
    pub expired: bool,
}

/// Tells TypeScript what has happened.
pub type Callback = ThreadsafeFunction<FreezeEvent, (), FreezeEvent, napi::Status, false>;
type SharedGuard = Arc<Mutex<Option<GuardProcess>>>;

/// The guard process of an agent. See `guard_process.rs`.
#[napi]
pub struct FreezeGuard {
    /// Locked by the thread of a freeze from its beginning to its end.
    guard: SharedGuard,
}

#[napi]
impl FreezeGuard {
    /// Forks the guard.
    ///
    /// # Errors
    /// `EAGAIN`, `EMFILE`, `ENOMEM`.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        let guard = GuardProcess::start().map_err(|errno| failed("start the guard", errno))?;
        Ok(Self {
            guard: Arc::new(Mutex::new(Some(guard))),
        })
    }

    /// Ends the guard. During a freeze it does nothing: the guard must outlive it.
    #[napi]
    pub fn close(&self) {
        if let Ok(mut guard) = self.guard.try_lock() {
            drop(guard.take());
        }
    }
}

/// One freeze, from the first descriptor to the last thaw. It goes on in threads
/// of its own and tells what has happened.
#[napi]
pub struct Freeze {
    request: Arc<Request>,
}

#[napi]
impl Freeze {
    /// Starts. `on_event` gets `frozen` and later `thawed`, or `refused` alone.
    ///
    /// # Errors
    /// `EAGAIN` when no thread can be made.
    #[napi(constructor)]
    pub fn new(
        guard: &FreezeGuard,
        options: FreezeOptions,
        on_event: Function<'_, FreezeEvent, ()>,
    ) -> Result<Self> {
        let callback: Callback = on_event
            .build_threadsafe_function()
            .build()
            .map_err(from_napi)?;
        let request = Arc::new(Request::default());
        std::thread::Builder::new()
            .name("freeze".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let guard = Arc::clone(&guard.guard);
                let request = Arc::clone(&request);
                move || {
                    run(&mut lock(&guard), &options, &request, &|event| {
                        // Fails only while the runtime is ending.
                        callback.call(event, ThreadsafeFunctionCallMode::NonBlocking);
                    });
                }
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self { request })
    }

    /// Asks for the thaw, at any time and without waiting. A freeze that is still
    /// going on ends as `refused` with `ECANCELED`.
    #[napi]
    pub fn thaw(&self) {
        self.request.make();
    }
}
