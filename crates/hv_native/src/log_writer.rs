//! Writes log lines from a thread of its own, so that a full pipe, a stalled
//! journal or a log file on a frozen file system never stops the agent.

use crate::error::{Result, errno_of, failed};
use napi_derive::napi;
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
}

/// A bounded queue in front of standard error.
#[napi]
pub struct LogWriter {
    shared: Arc<Shared>,
}

#[napi]
impl LogWriter {
    /// Starts the writing thread, which lives as long as the process.
    ///
    /// # Errors
    /// `EAGAIN` when no thread can be made.
    #[napi(constructor)]
    pub fn new() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        std::thread::Builder::new()
            .name("log".to_owned())
            .stack_size(64 * 1024)
            .spawn({
                let shared = Arc::clone(&shared);
                move || write_lines(&shared)
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self { shared })
    }

    /// Queues a line, which ends in a newline. Never blocks; when the queue is
    /// full the line is dropped, and the next one written says how many were.
    #[napi]
    pub fn write(&self, line: String) {
        let mut queue = self.shared.lock();
        if queue.lines.len() >= QUEUE_LINES {
            queue.dropped += 1;
            return;
        }
        queue.lines.push_back(line);
        self.shared.changed.notify_all();
    }

    /// Waits until all lines are written, at most `milliseconds`; true if they are.
    #[napi]
    pub fn flush(&self, milliseconds: u32) -> bool {
        let queue = self.shared.lock();
        let limit = Duration::from_millis(u64::from(milliseconds));
        let busy = |queue: &mut Queue| queue.writing || !queue.lines.is_empty();
        match self.shared.changed.wait_timeout_while(queue, limit, busy) {
            Ok((_, result)) => !result.timed_out(),
            Err(_) => false,
        }
    }
}

fn write_lines(shared: &Shared) {
    loop {
        let line = next_line(shared);
        write_whole(line.as_bytes());
        shared.lock().writing = false;
        shared.changed.notify_all();
    }
}

fn next_line(shared: &Shared) -> String {
    let mut queue = shared.lock();
    loop {
        if queue.dropped > 0 && queue.lines.is_empty() {
            let dropped = std::mem::take(&mut queue.dropped);
            queue.writing = true;
            return format!("<4>hvguest: {dropped} log lines were dropped\n");
        }
        if let Some(line) = queue.lines.pop_front() {
            queue.writing = true;
            return line;
        }
        queue = shared
            .changed
            .wait(queue)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

fn write_whole(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(rustix::stdio::stderr(), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let stderr = rustix::stdio::stderr();
                let mut ready = [rustix::event::PollFd::from_borrowed_fd(
                    stderr,
                    rustix::event::PollFlags::OUT,
                )];
                // Whatever it says, the next write tells.
                let _ = rustix::event::poll(&mut ready, None);
            }
            // Standard error is closed or broken: there is no place to say so.
            Err(_) => return,
        }
    }
}
