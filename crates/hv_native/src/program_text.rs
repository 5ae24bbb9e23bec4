//! Gives back the pages of the executable's code that only the start needed. They
//! stay in the page cache, and come back one by one when they are run again.
#![expect(unsafe_code, reason = "madvise(2) takes addresses")]

use crate::error::{Result, errno_of, failed};
use napi_derive::napi;
use rustix::mm::{Advice, madvise};
use std::ffi::c_void;
use std::fs::{read_link, read_to_string};

/// Code of the executable in memory: where it begins and how long it is.
#[derive(Debug, PartialEq, Eq)]
struct Text {
    start: usize,
    bytes: usize,
}

/// Lets go of the executable's code in memory, and returns how many bytes it was
/// mapped with.
///
/// # Errors
/// Those of reading /proc/self.
#[napi]
pub fn release_program_text() -> Result<f64> {
    let program = read_link("/proc/self/exe")
        .map_err(|error| failed("read '/proc/self/exe'", errno_of(&error)))?;
    let smaps = read_to_string("/proc/self/smaps")
        .map_err(|error| failed("read '/proc/self/smaps'", errno_of(&error)))?;
    let mut released = 0;
    for text in texts_of(&program.to_string_lossy(), &smaps) {
        let start = std::ptr::without_provenance_mut::<c_void>(text.start);
        // SAFETY: the mapping is of a file, is never written, and has no page that
        // differs from the file (`texts_of`): what is dropped here is read from the
        // page cache again at the next access.
        if unsafe { madvise(start, text.bytes, Advice::LinuxDontNeed) }.is_ok() {
            released += text.bytes;
        }
    }
    Ok(released as f64)
}

/// The mappings of `program` that can be run, cannot be written, and hold no page of
/// their own.
fn texts_of(program: &str, smaps: &str) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut candidate = None;
    for line in smaps.lines() {
        if let Some(text) = mapping_of(program, line) {
            candidate = text;
        } else if line.starts_with("Anonymous:") && line.ends_with(" 0 kB") {
            texts.extend(candidate.take());
        }
    }
    texts
}

/// `None` for a line that begins no mapping, `Some(None)` for a mapping of another kind.
fn mapping_of(program: &str, line: &str) -> Option<Option<Text>> {
    let mut words = line.split_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?;
    let end = usize::from_str_radix(end, 16).ok()?;
    let is_text = words.next() == Some("r-xp") && line.ends_with(program);
    Some(is_text.then(|| Text {
        start,
        bytes: end.saturating_sub(start),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Text, texts_of};

    #[test]
    fn only_the_code_of_the_program_that_equals_its_file_is_taken() {
        let smaps = "\
00200000-00300000 r--p 00000000 fe:00 1  /usr/sbin/hvguest
Anonymous:             0 kB
00300000-00500000 r-xp 00100000 fe:00 1  /usr/sbin/hvguest
Rss:                1000 kB
Anonymous:             0 kB
00500000-00600000 r-xp 00300000 fe:00 1  /usr/sbin/hvguest
Anonymous:            12 kB
00600000-00700000 rw-p 00400000 fe:00 1  /usr/sbin/hvguest
Anonymous:             0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 2  /usr/lib/libc.so.6
Anonymous:             0 kB
";
        let expected = Text {
            start: 0x30_0000,
            bytes: 0x20_0000,
        };
        assert_eq!(texts_of("/usr/sbin/hvguest", smaps), [expected]);
    }
}
