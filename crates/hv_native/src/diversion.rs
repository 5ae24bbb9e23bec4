//! Messages that carry file data and need no decision: the reading thread of a
//! device or ring answers them and writes them to a file, by a rule that
//! TypeScript has laid down in offsets and bytes. Whatever does not fit the rule
//! goes to TypeScript like any other message.
//!
//! The answer goes out before the write, so that the other end makes its next
//! message meanwhile. A write that fails ends the rule: TypeScript gets the next
//! message and asks for the failure.

use crate::error::{Result, failed};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pwrite};
use rustix::time::{ClockId, clock_gettime};
use std::ops::Range;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes at a place in a message.
#[napi(object)]
pub struct Patch {
    /// Offset in the message.
    pub at: u32,
    /// What stands there, or is put there.
    pub bytes: Uint8Array,
}

/// Which messages are written where, and what they are answered.
#[napi(object)]
pub struct DiversionRule {
    /// The file, which exists; `/proc/self/fd/N` for one without a name.
    pub file: String,
    /// What a message has to contain.
    pub expect: Vec<Patch>,
    /// Offset of the u64 that says where in the file the data belong. Only the
    /// message that continues the previous one is taken.
    pub position_at: u32,
    /// Offset of the u32 that says how many bytes of data there are.
    pub length_at: u32,
    /// Offset of the data.
    pub data_at: u32,
    /// Most bytes of data in a message; less in the file's last one.
    pub most_bytes: u32,
    /// Bytes that the file will have; nothing is written beyond.
    pub file_bytes: f64,
    /// The answer; without it the message itself is sent back.
    pub answer: Option<Uint8Array>,
    /// What is changed in the message that is sent back.
    pub patches: Vec<Patch>,
    /// After a write that took longer, nobody waits for the next answer any more.
    pub patience_milliseconds: u32,
}

/// A rule in force.
struct Rule {
    file: OwnedFd,
    expect: Vec<(usize, Vec<u8>)>,
    position_at: usize,
    length_at: usize,
    data_at: usize,
    most_bytes: usize,
    file_bytes: u64,
    answer: Option<Vec<u8>>,
    patches: Vec<(usize, Vec<u8>)>,
    patience: Duration,
    position: AtomicU64,
    /// Why a write failed, 0 for none.
    failure: AtomicI32,
}

fn owned(patches: Vec<Patch>) -> Vec<(usize, Vec<u8>)> {
    patches
        .into_iter()
        .map(|patch| (patch.at as usize, patch.bytes.to_vec()))
        .collect()
}

impl Rule {
    fn new(rule: DiversionRule) -> rustix::io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        Ok(Self {
            file: open(rule.file.as_str(), flags, Mode::empty())?,
            expect: owned(rule.expect),
            position_at: rule.position_at as usize,
            length_at: rule.length_at as usize,
            data_at: rule.data_at as usize,
            most_bytes: rule.most_bytes as usize,
            file_bytes: rule.file_bytes as u64,
            answer: rule.answer.map(|answer| answer.to_vec()),
            patches: owned(rule.patches),
            patience: Duration::from_millis(u64::from(rule.patience_milliseconds)),
            position: AtomicU64::new(0),
            failure: AtomicI32::new(0),
        })
    }

    /// Where the data of a message are that the rule is about.
    fn data(&self, message: &[u8]) -> Option<Range<usize>> {
        let expected = |(at, bytes): &(usize, Vec<u8>)| {
            message.get(*at..*at + bytes.len()) == Some(bytes.as_slice())
        };
        if self.failure.load(Ordering::Relaxed) != 0 || !self.expect.iter().all(expected) {
            return None;
        }
        let position = u64::from_le_bytes(*message.get(self.position_at..)?.first_chunk()?);
        let length = u32::from_le_bytes(*message.get(self.length_at..)?.first_chunk()?) as usize;
        let fits = position == self.position.load(Ordering::Relaxed)
            && length <= self.most_bytes
            && length <= message.len().saturating_sub(self.data_at)
            && length as u64 <= self.file_bytes.saturating_sub(position);
        fits.then(|| self.data_at..self.data_at + length)
    }

    fn write(&self, mut data: &[u8]) -> rustix::io::Result<()> {
        let mut position = self.position.load(Ordering::Relaxed);
        while !data.is_empty() {
            match pwrite(&self.file, data, position) {
                Ok(0) => return Err(Errno::IO),
                Ok(count) => {
                    data = &data[count..];
                    position += count as u64;
                }
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.position.store(position, Ordering::Relaxed);
        Ok(())
    }
}

#[derive(Default)]
struct State {
    rule: Option<Arc<Rule>>,
    writing: bool,
    closed: bool,
}

/// A message that the rule is about: to be answered first, and then written.
pub struct Claim<'a> {
    diversion: &'a Diversion,
    rule: Arc<Rule>,
    data: Range<usize>,
}

impl Claim<'_> {
    /// The answer: part of the rule, or the message, which is patched for it.
    #[must_use]
    pub fn answer<'a>(&'a self, message: &'a mut [u8]) -> &'a [u8] {
        if let Some(answer) = &self.rule.answer {
            return answer;
        }
        for (at, bytes) in &self.rule.patches {
            if let Some(target) = message.get_mut(*at..*at + bytes.len()) {
                target.copy_from_slice(bytes);
            }
        }
        message
    }

    /// Writes the data; false when that took so long that nobody waits any more
    /// for the answer to the message after this one.
    #[must_use]
    pub fn write(self, message: &[u8]) -> bool {
        let started = coarse_now();
        if let Err(errno) = self.rule.write(&message[self.data.clone()]) {
            self.rule
                .failure
                .store(errno.raw_os_error(), Ordering::Relaxed);
        }
        coarse_now().saturating_sub(started) < self.rule.patience
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.diversion.lock().writing = false;
        self.diversion.0.1.notify_all();
    }
}

/// The place of the rule; shared by the reading thread and TypeScript. Clones share it.
#[derive(Clone, Default)]
pub struct Diversion(Arc<(Mutex<State>, Condvar)>);

impl Diversion {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lays down a rule in place of the one before.
    ///
    /// # Errors
    /// Those of open(2) for the rule's file.
    pub fn begin(&self, rule: DiversionRule) -> Result<()> {
        let call = format!("open '{}'", rule.file);
        let rule = Rule::new(rule).map_err(|errno| failed(call, errno))?;
        let mut state = self.lock();
        if !state.closed {
            state.rule = Some(Arc::new(rule));
        }
        Ok(())
    }

    /// Bytes written by the rule in force, 0 without one.
    #[must_use]
    pub fn position(&self) -> u64 {
        let state = self.lock();
        state
            .rule
            .as_ref()
            .map_or(0, |rule| rule.position.load(Ordering::Relaxed))
    }

    /// Why a write of the rule in force failed: an errno, 0 for none.
    #[must_use]
    pub fn failure(&self) -> i32 {
        let state = self.lock();
        state
            .rule
            .as_ref()
            .map_or(0, |rule| rule.failure.load(Ordering::Relaxed))
    }

    /// Lifts the rule. Does not wait for a write under way.
    pub fn end(&self) {
        self.lock().rule = None;
    }

    /// Lifts the rule for good; true when no write is under way, or none is
    /// after `limit`. A write to a frozen file system lasts until it is thawed.
    #[must_use]
    pub fn close(&self, limit: Duration) -> bool {
        let mut state = self.lock();
        state.closed = true;
        state.rule = None;
        let writing = |state: &mut State| state.writing;
        match self.0.1.wait_timeout_while(state, limit, writing) {
            Ok((_, result)) => !result.timed_out(),
            Err(_) => true,
        }
    }

    /// Claims a message for the rule, if it is about it.
    pub fn claim(&self, message: &[u8]) -> Option<Claim<'_>> {
        let mut state = self.lock();
        let rule = state.rule.clone()?;
        let data = rule.data(message)?;
        state.writing = true;
        drop(state);
        Some(Claim {
            diversion: self,
            rule,
            data,
        })
    }
}

/// Good to some milliseconds, and without a call of the kernel for any clock source.
fn coarse_now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::MonotonicCoarse)).unwrap_or_default()
}

#[cfg(test)]
#[path = "diversion_tests.rs"]
mod tests;
