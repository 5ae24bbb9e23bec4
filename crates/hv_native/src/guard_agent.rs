//! The agent's process, as its guard sees it: /proc/PID/stat (proc_pid_stat(5)).
//!
//! The socket to the guard stays open until the last thread of a killed agent has
//! ended, and one that writes to a frozen file system cannot end before the thaw.

use rustix::fd::{AsRawFd, OwnedFd, RawFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, pread};

/// More than the fields that are read take.
const STAT_BYTES: usize = 1024;
/// Where the state and the pending signals of the first thread are, counted behind the name.
const STATE: usize = 0;
const PENDING: usize = 28;
const SIGKILL: u32 = 1 << 8;

/// An open /proc/PID/stat. It stays that of the same process when the ID is used again.
pub struct AgentProcess(OwnedFd);

impl AgentProcess {
    /// The process that calls; `None` without /proc.
    pub fn current() -> Option<Self> {
        open(
            c"/proc/self/stat",
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .ok()
        .map(Self)
    }

    /// Whether the process has ended or has been killed, even if it still has threads.
    /// Allocates nothing; nor does the kernel, from the second call on.
    pub fn has_ended(&self) -> bool {
        let mut stat = [0; STAT_BYTES];
        match pread(&self.0, &mut stat, 0) {
            Ok(count) => stat.get(..count).is_some_and(tells_the_end),
            Err(errno) => errno == Errno::SRCH,
        }
    }
}

impl AsRawFd for AgentProcess {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// The first thread is a zombie or dead, or will be, once it may end.
fn tells_the_end(stat: &[u8]) -> bool {
    // The name before may contain anything.
    let Some(name_end) = stat.iter().rposition(|byte| *byte == b')') else {
        return false;
    };
    let field = |number: usize| {
        stat.get(name_end + 2..)
            .and_then(|fields| fields.split(|byte| *byte == b' ').nth(number))
            .unwrap_or_default()
    };
    let pending = str::from_utf8(field(PENDING)).map_or(Ok(0), str::parse::<u32>);
    matches!(field(STATE), b"Z" | b"X" | b"x") || pending.unwrap_or(0) & SIGKILL != 0
}

#[cfg(test)]
mod tests {
    use super::{AgentProcess, tells_the_end};
    use rustix::fs::{Mode, OFlags, open};
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    use std::process::Command;

    fn stat(state: &str, pending: u32) -> String {
        format!(
            "12 (a) Z (b) {state} 1 12 12 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 9 0 77 1000 50 \
             18446744073709551615 1 1 0 0 0 {pending} 0 0 0 0 0 0 17 1 0 0 0 0 0\n"
        )
    }

    #[test]
    fn a_zombie_and_a_process_that_is_being_killed_have_ended_and_others_have_not() {
        for (state, pending, ended) in [
            ("R", 0, false),
            ("D", 0, false),
            ("S", 1 << 14, false),
            ("Z", 0, true),
            ("X", 0, true),
            ("D", 1 << 8, true),
        ] {
            let text = stat(state, pending);
            assert_eq!(tells_the_end(text.as_bytes()), ended, "{text}");
        }
        for text in ["", "12 (a", "12 (a)", "12 (a) "] {
            assert!(!tells_the_end(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_child_has_ended_before_and_after_its_parent_waits_for_it() {
        assert!(!AgentProcess::current().unwrap().has_ended());
        let mut child = Command::new("true").spawn().unwrap();
        let path = format!("/proc/{}/stat", child.id());
        let process = AgentProcess(open(path, OFlags::RDONLY, Mode::empty()).unwrap());
        let id = Pid::from_child(&child);
        // Waits for the end and leaves the zombie.
        waitid(
            WaitId::Pid(id),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        )
        .unwrap();
        assert!(process.has_ended());
        child.wait().unwrap();
        assert!(process.has_ended());
    }
}
