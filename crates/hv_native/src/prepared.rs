//! Answers that were known before they were asked for: the reading thread of a
//! device sends them by itself. TypeScript lays down which request gets which
//! answer, and the file that must not have changed for it to be true. Any other
//! request goes to TypeScript.

use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;
use rustix::fs::{Stat, stat};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of all prepared requests and answers; beyond it the older ones are forgotten.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// A request and its answer; zeros at their ends may be left off.
#[napi(object)]
pub struct PreparedAnswer {
    /// The whole request.
    pub request: Uint8Array,
    /// The answer; it is sent with as many bytes as the request had.
    pub answer: Uint8Array,
}

/// A file and the state of it that answers were made from.
#[napi(object)]
pub struct FileState {
    /// The name of the file.
    pub path: String,
    /// `st_dev`
    pub device: BigInt,
    /// `st_ino`
    pub inode: BigInt,
    /// `st_size`
    pub size: BigInt,
    /// `st_mtim` in nanoseconds.
    pub modified: BigInt,
    /// `st_ctim` in nanoseconds.
    pub changed: BigInt,
}

/// What [`FileState`] says, to compare.
pub struct Condition {
    path: String,
    state: [u64; 5],
}

impl From<FileState> for Condition {
    fn from(file: FileState) -> Self {
        let word = |value: BigInt| value.get_u64().1;
        Self {
            path: file.path,
            state: [
                word(file.device),
                word(file.inode),
                word(file.size),
                word(file.modified),
                word(file.changed),
            ],
        }
    }
}

impl Condition {
    fn holds(&self) -> bool {
        stat(self.path.as_str()).is_ok_and(|now| state_of(&now) == self.state)
    }
}

fn state_of(stat: &Stat) -> [u64; 5] {
    let nanoseconds = |seconds: i64, rest: u64| {
        seconds
            .cast_unsigned()
            .wrapping_mul(1_000_000_000)
            .wrapping_add(rest)
    };
    [
        stat.st_dev,
        stat.st_ino,
        stat.st_size.cast_unsigned(),
        nanoseconds(stat.st_mtime, stat.st_mtime_nsec),
        nanoseconds(stat.st_ctime, stat.st_ctime_nsec),
    ]
}

struct Answer {
    bytes: Box<[u8]>,
    condition: Option<Arc<Condition>>,
}

#[derive(Default)]
struct Table {
    answers: HashMap<Box<[u8]>, Answer>,
    bytes: usize,
    sent: u32,
}

/// The prepared answers of a device; clones share them.
#[derive(Clone, Default)]
pub struct Prepared(Arc<Mutex<Table>>);

impl Prepared {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds answers to requests, which hold while `condition` does, or until
    /// [`Self::forget`].
    pub fn add<'a>(
        &self,
        answers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        condition: Option<Condition>,
    ) {
        let condition = condition.map(Arc::new);
        let mut table = self.lock();
        for (request, answer) in answers {
            let (request, answer) = (without_zeros(request), without_zeros(answer));
            let bytes = request.len() + answer.len();
            if table.bytes + bytes > MOST_BYTES {
                table.answers.clear();
                table.bytes = 0;
            }
            table.bytes += bytes;
            let answer = Answer {
                bytes: answer.into(),
                condition: condition.clone(),
            };
            let replaced = table.answers.insert(request.into(), answer);
            table.bytes -= replaced.map_or(0, |old| request.len() + old.bytes.len());
        }
    }

    /// Forgets all answers.
    pub fn forget(&self) {
        let mut table = self.lock();
        table.answers.clear();
        table.bytes = 0;
    }

    /// How many answers were sent, modulo 2^32.
    pub fn sent(&self) -> u32 {
        self.lock().sent
    }

    /// Puts the answer in place of the request; false when there is none that is true now.
    pub fn answer(&self, message: &mut [u8]) -> bool {
        let mut table = self.lock();
        let Some(answer) = table.answers.get(without_zeros(message)) else {
            return false;
        };
        if answer.bytes.len() > message.len()
            || answer.condition.as_ref().is_some_and(|file| !file.holds())
        {
            return false;
        }
        let (used, rest) = message.split_at_mut(answer.bytes.len());
        used.copy_from_slice(&answer.bytes);
        rest.fill(0);
        table.sent = table.sent.wrapping_add(1);
        true
    }
}

fn without_zeros(message: &[u8]) -> &[u8] {
    let end = message
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(request: &[u8], answer: &[u8], condition: Option<Condition>) -> Prepared {
        let prepared = Prepared::default();
        prepared.add([(request, answer)].into_iter(), condition);
        prepared
    }

    fn unchanged(path: &std::path::Path) -> Condition {
        let path = path.to_str().unwrap().to_owned();
        let state = state_of(&stat(path.as_str()).unwrap());
        Condition { path, state }
    }

    #[test]
    fn a_request_gets_its_answer_with_its_own_length() {
        let prepared = prepared(&[3, 2, 0, 0, 1], &[0, 0, 9], None);
        let mut message = [3, 2, 0, 0, 1, 0, 0, 0];
        assert!(prepared.answer(&mut message));
        assert_eq!(message, [0, 0, 9, 0, 0, 0, 0, 0]);
        assert_eq!(prepared.sent(), 1);
    }

    #[test]
    fn a_request_that_differs_in_any_byte_is_left_alone() {
        let prepared = prepared(&[3, 2], &[7], None);
        for at in 0..8 {
            let mut message = [3, 2, 0, 0, 0, 0, 0, 0];
            message[at] ^= 0x40;
            let before = message;
            assert!(!prepared.answer(&mut message));
            assert_eq!(message, before);
        }
    }

    #[test]
    fn an_answer_longer_than_the_request_is_not_sent() {
        let prepared = prepared(&[3], &[1, 2, 3], None);
        let mut message = [3, 0];
        assert!(!prepared.answer(&mut message));
    }

    #[test]
    fn what_is_forgotten_is_not_answered() {
        let prepared = prepared(&[3], &[1], None);
        prepared.forget();
        assert!(!prepared.answer(&mut [3, 0, 0]));
    }

    #[test]
    fn an_answer_holds_while_its_file_is_unchanged() {
        let directory = std::env::temp_dir().join(format!("prepared-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("pool");
        std::fs::write(&path, "one").unwrap();
        let prepared = prepared(&[3], &[1], Some(unchanged(&path)));
        assert!(prepared.answer(&mut [3, 0, 0]));
        std::fs::write(&path, "three").unwrap();
        assert!(!prepared.answer(&mut [3, 0, 0]));
        std::fs::remove_file(&path).unwrap();
        assert!(!prepared.answer(&mut [3, 0, 0]));
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn memory_is_bounded() {
        let prepared = Prepared::default();
        for number in 0..3000u32 {
            let request = number.to_le_bytes();
            prepared.add([(&request[..], &[1; 7000][..])].into_iter(), None);
        }
        assert!(prepared.lock().bytes <= MOST_BYTES);
        assert!(prepared.lock().answers.len() * 7000 <= MOST_BYTES);
    }
}
