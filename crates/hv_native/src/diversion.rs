//! Messages that carry file data and need no decision: the reading thread of a
//! device or ring writes them to a file and answers them, by a rule that
//! TypeScript has laid down in offsets and bytes. Whatever does not fit the rule
//! goes to TypeScript like any other message.

use crate::error::{Result, failed};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pwrite};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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
    /// After a write that took longer, nobody waits for the answer any more.
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
        })
    }

    /// The data of a message that the rule is about.
    fn data<'a>(&self, message: &'a [u8]) -> Option<&'a [u8]> {
        let expected = |(at, bytes): &(usize, Vec<u8>)| {
            message.get(*at..*at + bytes.len()) == Some(bytes.as_slice())
        };
        if !self.expect.iter().all(expected) {
            return None;
        }
        let position = u64::from_le_bytes(*message.get(self.position_at..)?.first_chunk()?);
        let length = u32::from_le_bytes(*message.get(self.length_at..)?.first_chunk()?) as usize;
        let data = message
            .get(self.data_at..)?
            .get(..length)
            .filter(|data| data.len() <= self.most_bytes)?;
        let fits = position == self.position.load(Ordering::Relaxed)
            && data.len() as u64 <= self.file_bytes.saturating_sub(position);
        fits.then_some(data)
    }

    /// False when not all of it could be written: let TypeScript find out why.
    fn write(&self, mut data: &[u8]) -> bool {
        let mut position = self.position.load(Ordering::Relaxed);
        while !data.is_empty() {
            match pwrite(&self.file, data, position) {
                Ok(count) if count > 0 => {
                    data = &data[count..];
                    position += count as u64;
                }
                Err(Errno::INTR) => {}
                _ => return false,
            }
        }
        self.position.store(position, Ordering::Relaxed);
        true
    }

    /// Turns the message into its answer.
    fn make_answer(&self, message: &mut Vec<u8>) {
        if let Some(answer) = &self.answer {
            message.clear();
            message.extend_from_slice(answer);
        }
        for (at, bytes) in &self.patches {
            if let Some(target) = message.get_mut(*at..*at + bytes.len()) {
                target.copy_from_slice(bytes);
            }
        }
    }
}

#[derive(Default)]
struct State {
    rule: Option<Arc<Rule>>,
    writing: bool,
    closed: bool,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was written; the buffer now holds the answer.
    Answered,
    /// It is TypeScript's.
    No,
    /// It was written too late to be answered.
    Late,
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

    /// Offers a message to the rule.
    pub fn take(&self, message: &mut Vec<u8>) -> Taken {
        let Some(rule) = self.start(message) else {
            return Taken::No;
        };
        let started = Instant::now();
        let written = rule.data(message).is_some_and(|data| rule.write(data));
        self.lock().writing = false;
        self.0.1.notify_all();
        if started.elapsed() >= rule.patience {
            return Taken::Late;
        }
        if !written {
            return Taken::No;
        }
        rule.make_answer(message);
        Taken::Answered
    }

    fn start(&self, message: &[u8]) -> Option<Arc<Rule>> {
        let mut state = self.lock();
        let rule = state.rule.clone()?;
        rule.data(message)?;
        state.writing = true;
        Some(rule)
    }
}
