//! Writes log lines from a thread of its own, so that a full pipe, a stalled
//! journal or a log file on a frozen file system never stops the agent.

use crate::error::{Result, errno_of, failed};
use napi_derive::napi;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::BorrowedFd;
use rustix::io::{Errno, write};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines kept while the reader of stderr does not read; more are dropped.
const QUEUE_LINES: usize = 1024;

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    dropped: u32,
    writing: bool,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, line: String) {
        let mut queue = self.lock();
        if queue.lines.len() >= QUEUE_LINES {
            queue.dropped += 1;
            return;
        }
        queue.lines.push_back(line);
        self.changed.notify_all();
    }

    /// Whether everything is written before `limit` has passed.
    fn wait_until_idle(&self, limit: Duration) -> bool {
        let busy = |queue: &mut Queue| queue.writing || !queue.lines.is_empty();
        match self.changed.wait_timeout_while(self.lock(), limit, busy) {
            Ok((_, result)) => !result.timed_out(),
            Err(_) => false,
        }
    }

    /// Waits for a line. It counts as being written until [`Shared::written`].
    fn take(&self, notice_prefix: &str) -> String {
        let mut queue = self.lock();
        loop {
            if queue.dropped > 0 && queue.lines.is_empty() {
                let dropped = std::mem::take(&mut queue.dropped);
                queue.writing = true;
                return format!("{notice_prefix}{dropped} log lines were dropped\n");
            }
            if let Some(line) = queue.lines.pop_front() {
                queue.writing = true;
                return line;
            }
            queue = self
                .changed
                .wait(queue)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn written(&self) {
        self.lock().writing = false;
        self.changed.notify_all();
    }
}

/// A bounded queue in front of standard error.
#[napi]
pub struct LogWriter {
    shared: Arc<Shared>,
}

#[napi]
impl LogWriter {
    /// Starts the writing thread, which lives as long as the process. A line that
    /// tells how many were dropped begins with `notice_prefix`.
    ///
    /// # Errors
    /// `EAGAIN` when no thread can be made.
    #[napi(constructor)]
    pub fn new(notice_prefix: String) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        std::thread::Builder::new()
            .name("log".to_owned())
            .stack_size(64 * 1024)
            .spawn({
                let shared = Arc::clone(&shared);
                move || write_lines(&shared, &notice_prefix)
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self { shared })
    }

    /// Queues a line, which ends in a newline. Never blocks; when the queue is
    /// full the line is dropped, and counted in a line behind those of the queue.
    #[napi]
    pub fn write(&self, line: String) {
        self.shared.put(line);
    }

    /// Waits until all lines are written, at most `milliseconds`; true if they are.
    #[napi]
    pub fn flush(&self, milliseconds: u32) -> bool {
        self.shared
            .wait_until_idle(Duration::from_millis(u64::from(milliseconds)))
    }
}

fn write_lines(shared: &Shared, notice_prefix: &str) {
    loop {
        let line = shared.take(notice_prefix);
        write_whole(rustix::stdio::stderr(), line.as_bytes());
        shared.written();
    }
}

fn write_whole(target: BorrowedFd<'_>, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(target, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::from_borrowed_fd(target, PollFlags::OUT)];
                // Whatever it says, the next write tells.
                let _ = poll(&mut ready, None);
            }
            // Closed or broken: there is no place to say so.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
#[path = "log_writer_tests.rs"]
mod tests;
