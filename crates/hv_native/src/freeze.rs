//! Freezes a list of file systems and keeps them frozen until told, on
//! descriptors that were opened before the first freeze.

use crate::error::{Result, errno_of, failed, from_napi};
use crate::freeze_marker::Marker;
use crate::freeze_target::FreezeTarget;
use crate::freeze_workers::Workers;
use crate::fs_freeze;
use crate::guard_process::GuardProcess;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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

type Callback = ThreadsafeFunction<FreezeEvent, (), FreezeEvent, napi::Status, false>;
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

#[derive(Default)]
struct Request {
    thaw: Mutex<bool>,
    changed: Condvar,
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
        *lock(&self.request.thaw) = true;
        self.request.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Request {
    fn is_made(&self) -> bool {
        *lock(&self.thaw)
    }

    fn wait(&self) {
        let mut thaw = lock(&self.thaw);
        while !*thaw {
            thaw = self
                .changed
                .wait(thaw)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn run(
    guard: &mut Option<GuardProcess>,
    options: &FreezeOptions,
    request: &Request,
    tell: &dyn Fn(FreezeEvent),
) {
    match Prepared::new(guard, options) {
        Ok(prepared) => prepared.run(options, request, tell),
        Err(failure) => tell(FreezeEvent {
            kind: "refused".to_owned(),
            failures: vec![failure],
            ..FreezeEvent::default()
        }),
    }
}

/// Everything that a freeze needs, held before it begins.
struct Prepared<'a> {
    marker: Marker,
    targets: Vec<(&'a FreezeTarget, OwnedFd)>,
    guard: &'a GuardProcess,
}

impl<'a> Prepared<'a> {
    fn new(
        guard: &'a mut Option<GuardProcess>,
        options: &'a FreezeOptions,
    ) -> std::result::Result<Self, FreezeFailure> {
        let mark = |errno| failure("mark", &options.marker_path, errno);
        let marker = Marker::lock(&options.marker_path).map_err(mark)?;
        let targets = options
            .steps
            .iter()
            .flatten()
            .map(|target| match target.open() {
                Ok(fd) => Ok((target, fd)),
                Err(errno) => Err(failure("open", &target.path, errno)),
            })
            .collect::<std::result::Result<Vec<_>, _>>()?;
        marker.write(&options.marker_text).map_err(mark)?;
        match arm(guard, &marker, &targets, options.deadline_milliseconds) {
            Ok(guard) => Ok(Self {
                marker,
                targets,
                guard,
            }),
            Err(errno) => {
                // Text without a lock makes the next agent thaw: harmless.
                let _ = marker.clear();
                Err(failure("guard", "hvguest-guard", errno))
            }
        }
    }

    fn run(&self, options: &FreezeOptions, request: &Request, tell: &dyn Fn(FreezeEvent)) {
        let table = self.guard.table();
        let freeze = |member: usize| {
            table.set_ours(member, true);
            let result = fs_freeze::freeze(&self.targets[member].1);
            if result.is_err() {
                table.set_ours(member, false);
            }
            result
        };
        let thaw = |member: usize| fs_freeze::thaw(&self.targets[member].1);
        let workers = Workers::new(&freeze, &thaw);
        let widest = options.steps.iter().map(Vec::len).max().unwrap_or(0);
        let mut frozen = Vec::new();
        let mut event = FreezeEvent {
            kind: "refused".to_owned(),
            ..FreezeEvent::default()
        };
        std::thread::scope(|scope| {
            workers.start(scope, widest);
            match self.freeze(&workers, options, request, &mut frozen) {
                Ok(passed_over) => {
                    tell(FreezeEvent {
                        kind: "frozen".to_owned(),
                        passed_over,
                        ..FreezeEvent::default()
                    });
                    request.wait();
                    "thawed".clone_into(&mut event.kind);
                }
                Err(reason) => event.failures.push(reason),
            }
            self.thaw(&workers, &frozen, &mut event);
            // The host waits for the answer; the guard does not wait for its release.
            tell(event);
            // A dead guard is replaced at the next freeze.
            let _ = self.guard.release();
            workers.end();
        });
    }

    /// Freezes step after step and returns what somebody else had frozen.
    fn freeze(
        &self,
        workers: &Workers<'_>,
        options: &FreezeOptions,
        request: &Request,
        frozen: &mut Vec<usize>,
    ) -> std::result::Result<Vec<String>, FreezeFailure> {
        let mut passed_over = Vec::new();
        let mut first = 0;
        for step in &options.steps {
            if request.is_made() {
                return Err(failure("freeze", "", Errno::CANCELED));
            }
            let mut reason = None;
            for (member, result) in workers.freeze(first..first + step.len()) {
                let path = &self.targets[member].0.path;
                match result {
                    Ok(()) => frozen.push(member),
                    Err(Errno::BUSY) if options.pass_over_frozen => passed_over.push(path.clone()),
                    Err(errno) => reason = reason.or(Some(failure("freeze", path, errno))),
                }
            }
            if let Some(reason) = reason {
                return Err(reason);
            }
            first += step.len();
        }
        // The guard may have thawed meanwhile, or may be dead.
        match self.guard.is_in_time() {
            Ok(true) => Ok(passed_over),
            Ok(false) => Err(failure("deadline", "", Errno::TIME)),
            Err(errno) => Err(failure("guard", "hvguest-guard", errno)),
        }
    }

    /// Thaws, the file systems frozen last first. The guard does it, and we when it is
    /// dead.
    fn thaw(&self, workers: &Workers<'_>, frozen: &[usize], event: &mut FreezeEvent) {
        let mut stuck = false;
        let results = match self.guard.thaw() {
            Ok(expired) => {
                event.expired = expired;
                let result = |member: &usize| (*member, self.guard.table().result(*member));
                frozen.iter().map(result).collect()
            }
            Err(_) => workers.thaw(frozen.iter().rev().copied()),
        };
        for (member, result) in results {
            let path = &self.targets[member].0.path;
            match result {
                Ok(()) => {}
                Err(Errno::INVAL) => event.lost.push(path.clone()),
                Err(errno) => {
                    stuck = true;
                    event.failures.push(failure("thaw", path, errno));
                }
            }
        }
        if !stuck {
            // Text that stays makes the next agent thaw once more: harmless.
            let _ = self.marker.clear();
        }
    }
}

fn failure(act: &str, path: &str, errno: Errno) -> FreezeFailure {
    FreezeFailure {
        act: act.to_owned(),
        path: path.to_owned(),
        errno: errno.raw_os_error(),
    }
}

/// Hands the descriptors to the guard, to a new one if it has died.
fn arm<'a>(
    slot: &'a mut Option<GuardProcess>,
    marker: &Marker,
    targets: &[(&FreezeTarget, OwnedFd)],
    deadline_milliseconds: u32,
) -> std::result::Result<&'a GuardProcess, Errno> {
    let descriptors: Vec<_> = targets.iter().map(|(_, fd)| fd.as_fd()).collect();
    let begin =
        |guard: &GuardProcess| guard.begin(deadline_milliseconds, marker.as_fd(), &descriptors);
    match slot.take().filter(|guard| begin(guard).is_ok()) {
        Some(guard) => Ok(slot.insert(guard)),
        None => {
            let guard = slot.insert(GuardProcess::start()?);
            begin(guard)?;
            Ok(guard)
        }
    }
}

/// Thaws file systems that a dead agent has left frozen, in the background, and
/// tells which could not be thawed. One that is not frozen is no failure.
///
/// # Errors
/// `EAGAIN` when no thread can be made.
#[napi]
pub fn thaw_paths(paths: Vec<String>, on_done: Function<'_, FreezeEvent, ()>) -> Result<()> {
    let callback: Callback = on_done
        .build_threadsafe_function()
        .build()
        .map_err(from_napi)?;
    std::thread::Builder::new()
        .name("thaw".to_owned())
        .stack_size(128 * 1024)
        .spawn(move || {
            // Fails only while the runtime is ending.
            callback.call(thaw_each(&paths), ThreadsafeFunctionCallMode::NonBlocking);
        })
        .map_err(|error| failed("start a thread", errno_of(&error)))?;
    Ok(())
}

fn thaw_each(paths: &[String]) -> FreezeEvent {
    let mut event = FreezeEvent {
        kind: "thawed".to_owned(),
        ..FreezeEvent::default()
    };
    let never = |_| Err(Errno::NOSYS);
    let thaw = |member: usize| {
        let path: &str = &paths[member];
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        fs_freeze::thaw(open(path, flags, Mode::empty())?)
    };
    let workers = Workers::new(&never, &thaw);
    let results = std::thread::scope(|scope| {
        workers.start(scope, paths.len());
        let results = workers.thaw(0..paths.len());
        workers.end();
        results
    });
    for (member, result) in results {
        match result {
            Ok(()) => {}
            Err(Errno::INVAL) => event.lost.push(paths[member].clone()),
            Err(errno) => event.failures.push(failure("thaw", &paths[member], errno)),
        }
    }
    event
}
