//! The course of one freeze, in a thread of its own: open, hand over, freeze, wait,
//! thaw.

use crate::freeze::{FreezeEvent, FreezeFailure, FreezeOptions};
use crate::freeze_marker::Marker;
use crate::freeze_target::FreezeTarget;
use crate::freeze_workers::Workers;
use crate::fs_freeze;
use crate::guard_process::GuardProcess;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A request for the thaw, which may come at any time.
#[derive(Default)]
pub struct Request {
    thaw: Mutex<bool>,
    changed: Condvar,
}

/// Locks; a panic of another thread has already ended the process.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Request {
    /// Makes the request, without waiting.
    pub fn make(&self) {
        *lock(&self.thaw) = true;
        self.changed.notify_all();
    }

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

/// Freezes, waits for the request and thaws; `tell` gets what has happened, as
/// [`FreezeEvent`] says.
pub fn run(
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

/// A failure as it is told.
pub fn failure(act: &str, path: &str, errno: Errno) -> FreezeFailure {
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
