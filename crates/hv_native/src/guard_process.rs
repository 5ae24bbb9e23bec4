//! The guard process, seen from the agent: forked once, asleep until a freeze,
//! told what to hold, and told when all is thawed.

use crate::guard_child::fork_guard;
use crate::guard_messages::{DESCRIPTORS_PER_MESSAGE, Kind, Message, receive, send};
use crate::guard_table::GuardTable;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair};
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::time::{TimerfdClockId, TimerfdFlags, Timespec, timerfd_create};

/// How long an answer of the guard may take: it only moves descriptors.
const PATIENCE: Timespec = Timespec {
    tv_sec: 5,
    tv_nsec: 0,
};

/// A guard process and the socket to it.
pub struct GuardProcess {
    socket: OwnedFd,
    id: Pid,
    table: GuardTable,
}

impl GuardProcess {
    /// Forks the guard. It has none of the agent's descriptors, ignores every
    /// signal that can be ignored, and is called `hvguest-guard`.
    ///
    /// # Errors
    /// `EAGAIN`, `EMFILE`, `ENOMEM`.
    pub fn start() -> Result<Self, Errno> {
        let (agent_end, guard_end) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let table = GuardTable::new()?;
        // From a thread with a small stack of its own: the child keeps that stack
        // and gives back the rest of the agent's memory.
        let id = std::thread::scope(|scope| {
            std::thread::Builder::new()
                .name("guard".to_owned())
                .stack_size(256 * 1024)
                .spawn_scoped(scope, || {
                    fork_guard(guard_end.as_fd(), timer.as_fd(), &table)
                })
                .map_err(|error| crate::error::errno_of(&error))?
                .join()
                .map_err(|_| Errno::CHILD)?
        })?;
        Ok(Self {
            socket: agent_end,
            id,
            table,
        })
    }

    /// What the agent freezes, by the places of the descriptors in [`Self::begin`].
    pub const fn table(&self) -> &GuardTable {
        &self.table
    }

    /// The process ID.
    pub const fn id(&self) -> Pid {
        self.id
    }

    /// Hands over the descriptors and starts the deadline: after so many
    /// milliseconds the guard thaws all of them and then empties `marker`.
    ///
    /// # Errors
    /// `EPIPE`, `ECONNRESET` the guard is gone; `ETIMEDOUT`; `EMFILE` too many.
    pub fn begin(
        &self,
        deadline_milliseconds: u32,
        marker: BorrowedFd<'_>,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Errno> {
        self.table.reset();
        let mut first = vec![marker];
        let (beside, rest) =
            descriptors.split_at(descriptors.len().min(DESCRIPTORS_PER_MESSAGE - 1));
        first.extend(beside);
        self.ask(Kind::Begin, deadline_milliseconds, &first)?;
        for part in rest.chunks(DESCRIPTORS_PER_MESSAGE) {
            self.ask(Kind::Hold, 0, part)?;
        }
        Ok(())
    }

    /// Whether the deadline has not passed.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn is_in_time(&self) -> Result<bool, Errno> {
        Ok(self.ask(Kind::Hold, 0, &[])? == Kind::Done)
    }

    /// Thaws what is ours in the table, which has the results; true when the deadline
    /// had passed. As long as a disk takes, and not ended by a signal to the agent: a
    /// thaw of btrfs that is killed leaves it read-only.
    ///
    /// # Errors
    /// `EPIPE`, `ECONNRESET` the guard is gone.
    pub fn thaw(&self) -> Result<bool, Errno> {
        Ok(self.ask_for(Kind::Thaw, 0, &[], None)? == Kind::Expired)
    }

    /// Makes the guard forget everything; true when the deadline had passed.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub fn release(&self) -> Result<bool, Errno> {
        Ok(self.ask(Kind::Release, 0, &[])? == Kind::Expired)
    }

    fn ask(&self, kind: Kind, value: u32, descriptors: &[BorrowedFd<'_>]) -> Result<Kind, Errno> {
        self.ask_for(kind, value, descriptors, Some(PATIENCE))
    }

    fn ask_for(
        &self,
        kind: Kind,
        value: u32,
        descriptors: &[BorrowedFd<'_>],
        patience: Option<Timespec>,
    ) -> Result<Kind, Errno> {
        send(&self.socket, Message { kind, value }, descriptors)?;
        self.wait(patience)?;
        match receive(&self.socket, drop)? {
            None => Err(Errno::PIPE),
            Some(Message {
                kind: Kind::Failed,
                value,
            }) => Err(Errno::from_raw_os_error(
                i32::try_from(value).unwrap_or_default(),
            )),
            Some(answer) => Ok(answer.kind),
        }
    }

    fn wait(&self, patience: Option<Timespec>) -> Result<(), Errno> {
        let mut waited = [PollFd::new(&self.socket, PollFlags::IN)];
        loop {
            match poll(&mut waited, patience.as_ref()) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(0) => return Err(Errno::TIMEDOUT),
                Ok(_) => return Ok(()),
            }
        }
    }
}

impl Drop for GuardProcess {
    fn drop(&mut self) {
        // The guard sees the end, thaws what it may hold, and exits; one that hangs
        // in a thaw is left to init.
        let ended =
            shutdown(&self.socket, Shutdown::Write).and_then(|()| self.wait(Some(PATIENCE)));
        let options = match ended {
            Ok(()) => WaitOptions::empty(),
            Err(_) => WaitOptions::NOHANG,
        };
        // Fails when the runtime has waited for it already.
        let _ = waitpid(Some(self.id), options);
    }
}

#[cfg(test)]
mod tests {
    use super::GuardProcess;
    use crate::freeze_marker::Marker;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::fd::{AsFd, OwnedFd};
    use rustix::fs::{Mode, OFlags, open};
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    use std::fs::{read_dir, read_to_string};

    fn scratch(name: &str) -> (String, Marker) {
        let path = format!(
            "{}/hvguest-{name}-{}",
            std::env::temp_dir().display(),
            std::process::id()
        );
        let marker = Marker::lock(&path).unwrap();
        marker.write("frozen").unwrap();
        (path, marker)
    }

    fn directory() -> OwnedFd {
        open("/dev/shm", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    fn wait_for_end(id: Pid) {
        let process = pidfd_open(id, PidfdFlags::empty()).unwrap();
        poll(&mut [PollFd::new(&process, PollFlags::IN)], None).unwrap();
    }

    #[test]
    fn the_guard_is_small_nameless_and_holds_no_descriptor_of_ours() {
        let guard = GuardProcess::start().unwrap();
        // The answer proves that it has finished its preparations.
        assert!(guard.is_in_time().unwrap());
        let of_guard = format!("/proc/{}", guard.id().as_raw_pid());
        assert_eq!(
            read_to_string(format!("{of_guard}/comm")).unwrap(),
            "hvguest-guard\n"
        );
        assert_eq!(read_to_string(format!("{of_guard}/cmdline")).unwrap(), "");
        assert_eq!(read_dir(format!("{of_guard}/fd")).unwrap().count(), 3);
        let status = read_to_string(format!("{of_guard}/status")).unwrap();
        assert!(status.contains("SigBlk:\tfffffffffffbfeff"), "{status}");
    }

    #[test]
    fn a_guard_that_was_released_holds_nothing_and_leaves_the_marker_alone() {
        let (path, marker) = scratch("released");
        let guard = GuardProcess::start().unwrap();
        let directories: Vec<_> = (0..600).map(|_| directory()).collect();
        let descriptors: Vec<_> = directories.iter().map(AsFd::as_fd).collect();
        guard.begin(60_000, marker.as_fd(), &descriptors).unwrap();
        let of_guard = format!("/proc/{}/fd", guard.id().as_raw_pid());
        assert_eq!(read_dir(&of_guard).unwrap().count(), 604);
        assert!(!guard.release().unwrap());
        assert_eq!(read_dir(&of_guard).unwrap().count(), 3);
        assert_eq!(read_to_string(&path).unwrap(), "frozen");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_guard_thaws_when_the_deadline_passes_and_says_so() {
        let (path, marker) = scratch("deadline");
        let guard = GuardProcess::start().unwrap();
        let held = [directory(), directory()];
        guard
            .begin(1, marker.as_fd(), &[held[0].as_fd(), held[1].as_fd()])
            .unwrap();
        // It empties the marker when everything is thawed.
        while guard.is_in_time().unwrap() {}
        assert_eq!(read_to_string(&path).unwrap(), "");
        assert!(guard.release().unwrap());
        assert!(!guard.release().unwrap());
        guard.begin(60_000, marker.as_fd(), &[]).unwrap();
        assert!(guard.is_in_time().unwrap());
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn the_guard_thaws_and_ends_when_the_agent_is_gone() {
        let (path, marker) = scratch("gone");
        let guard = GuardProcess::start().unwrap();
        guard
            .begin(60_000, marker.as_fd(), &[directory().as_fd()])
            .unwrap();
        let id = guard.id();
        let process = pidfd_open(id, PidfdFlags::empty()).unwrap();
        drop(guard);
        poll(&mut [PollFd::new(&process, PollFlags::IN)], None).unwrap();
        assert_eq!(read_to_string(&path).unwrap(), "");
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_guard_that_was_killed_is_noticed() {
        let guard = GuardProcess::start().unwrap();
        rustix::process::kill_process(guard.id(), rustix::process::Signal::KILL).unwrap();
        wait_for_end(guard.id());
        assert!(guard.is_in_time().is_err());
    }
}
