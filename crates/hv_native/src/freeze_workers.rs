//! Threads that freeze or thaw several file systems side by side. They are made
//! before the first freeze, because a thread may not be had later.

use rustix::io::Errno;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

/// File systems frozen at once: each waits for its disk, not for a processor.
const SIDE_BY_SIDE: usize = 16;

/// What is done to one file system, by its number.
pub type Act<'a> = dyn Fn(usize) -> Result<(), Errno> + Send + Sync + 'a;

#[derive(Default)]
struct Batch {
    waiting: VecDeque<usize>,
    /// Taken and not finished.
    running: usize,
    results: Vec<(usize, Result<(), Errno>)>,
    thawing: bool,
    ended: bool,
}

/// Work for the threads; the caller of [`Self::run`] is one of them.
pub struct Workers<'a> {
    batch: Mutex<Batch>,
    changed: Condvar,
    freeze: &'a Act<'a>,
    thaw: &'a Act<'a>,
}

impl<'a> Workers<'a> {
    /// Work that is done by `freeze` and undone by `thaw`.
    pub fn new(freeze: &'a Act<'a>, thaw: &'a Act<'a>) -> Self {
        Self {
            batch: Mutex::default(),
            changed: Condvar::new(),
            freeze,
            thaw,
        }
    }

    /// Starts the threads that help with batches of at most `most` file systems.
    /// Fewer than wanted will do.
    pub fn start<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, most: usize) {
        for _ in 1..most.min(SIDE_BY_SIDE) {
            let started = std::thread::Builder::new()
                .name("freeze".to_owned())
                .stack_size(64 * 1024)
                .spawn_scoped(scope, || self.work(true));
            if started.is_err() {
                return;
            }
        }
    }

    /// Freezes all of `members` at once; after a failure no further one is begun.
    pub fn freeze(
        &self,
        members: impl IntoIterator<Item = usize>,
    ) -> Vec<(usize, Result<(), Errno>)> {
        self.run(members, false)
    }

    /// Thaws `members`, begun in their order, whatever fails. An inner file system
    /// that waits for its outer one holds up nothing else.
    pub fn thaw(
        &self,
        members: impl IntoIterator<Item = usize>,
    ) -> Vec<(usize, Result<(), Errno>)> {
        self.run(members, true)
    }

    /// Ends the threads.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn run(
        &self,
        members: impl IntoIterator<Item = usize>,
        thawing: bool,
    ) -> Vec<(usize, Result<(), Errno>)> {
        {
            let mut batch = self.lock();
            batch.waiting.extend(members);
            batch.thawing = thawing;
            if batch.waiting.len() > 1 {
                self.changed.notify_all();
            }
        }
        self.work(false);
        let mut batch = self.lock();
        while batch.running > 0 {
            batch = self.wait(batch);
        }
        std::mem::take(&mut batch.results)
    }

    fn work(&self, stay: bool) {
        let mut batch = self.lock();
        loop {
            if let Some(member) = batch.waiting.pop_front() {
                batch.running += 1;
                let act = if batch.thawing {
                    self.thaw
                } else {
                    self.freeze
                };
                drop(batch);
                let result = act(member);
                batch = self.lock();
                batch.running -= 1;
                if result.is_err() && !batch.thawing {
                    batch.waiting.clear();
                }
                batch.results.push((member, result));
                if batch.running == 0 {
                    self.changed.notify_all();
                }
            } else if !stay || batch.ended {
                return;
            } else {
                batch = self.wait(batch);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Batch> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'m>(&self, batch: MutexGuard<'m, Batch>) -> MutexGuard<'m, Batch> {
        self.changed
            .wait(batch)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Workers;
    use rustix::io::Errno;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn freezes_side_by_side() {
        // Passes only when four threads are inside at once.
        let all_inside = Barrier::new(4);
        let freeze = |_| {
            all_inside.wait();
            Ok(())
        };
        let thaw = |_| Ok(());
        let workers = Workers::new(&freeze, &thaw);
        let mut results = std::thread::scope(|scope| {
            workers.start(scope, 4);
            let results = workers.freeze(0..4);
            workers.end();
            results
        });
        results.sort_by_key(|(member, _)| *member);
        assert_eq!(
            results,
            [(0, Ok(())), (1, Ok(())), (2, Ok(())), (3, Ok(()))]
        );
    }

    #[test]
    fn begins_no_further_freeze_after_a_failure_but_thaws_all() {
        let begun = AtomicUsize::new(0);
        let act = |_| {
            begun.fetch_add(1, Ordering::Relaxed);
            Err(Errno::IO)
        };
        let workers = Workers::new(&act, &act);
        assert_eq!(workers.freeze(0..5).len(), 1);
        assert_eq!(workers.thaw((0..5).rev()).len(), 5);
        assert_eq!(begun.load(Ordering::Relaxed), 6);
    }
}
