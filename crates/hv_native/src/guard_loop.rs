//! The life of the guard process: it holds descriptors of file systems that are
//! being frozen and thaws them when the agent dies or the deadline passes.
//!
//! It runs in a child of fork(2) of a process with many threads, after most of
//! its memory has been given back: nothing here allocates, takes a lock, panics
//! or uses thread-local storage.

use crate::fork::{Fork, exit, fork};
use crate::fs_freeze;
use crate::guard_agent::AgentProcess;
use crate::guard_messages::{Kind, Message, receive, send};
use crate::guard_table::GuardTable;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{WaitOptions, waitpid};
use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};

/// File systems that one freeze may hold.
pub const MAX_HELD: usize = 1000;
/// Processes that thaw at once.
const PROCESSES: usize = 8;
/// As many file systems are thawed sooner than a process is forked, when the agent
/// asks: it is there to notice a disk that hangs.
const FEW: usize = 4;
/// While something may be frozen, the guard looks so often whether the agent lives.
const LOOK: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

struct Held {
    marker: Option<OwnedFd>,
    descriptors: [Option<OwnedFd>; MAX_HELD],
    count: usize,
    overflow: bool,
}

/// Serves the agent at the other end of `socket` until it is gone. `timer` is a
/// timerfd that is not armed. Without `agent` its end shows at the socket alone.
pub fn guard(
    socket: BorrowedFd<'_>,
    timer: BorrowedFd<'_>,
    agent: Option<&AgentProcess>,
    table: &GuardTable,
) {
    // Now, when nothing is frozen: the kernel allocates at the first time.
    let _ = agent.is_some_and(AgentProcess::has_ended);
    let mut held = Held {
        marker: None,
        descriptors: [const { None }; MAX_HELD],
        count: 0,
        overflow: false,
    };
    let mut expired = None;
    loop {
        let mut waited = [
            PollFd::from_borrowed_fd(socket, PollFlags::IN),
            PollFd::from_borrowed_fd(timer, PollFlags::IN),
        ];
        let patience = agent.filter(|_| held.count > 0).map(|_| &LOOK);
        // A failure leaves no event: the next round waits again.
        let ready = poll(&mut waited, patience);
        if ready == Ok(0) && agent.is_some_and(AgentProcess::has_ended) {
            // Its threads that write can end after this, and then the socket does. One
            // that freezes may do so before it ends: every second, until then.
            held.thaw(table, PROCESSES);
        }
        let [from_agent, deadline] = waited;
        if !deadline.revents().is_empty() {
            set(timer, 0);
            expired = Some(held.thaw(table, PROCESSES));
        }
        if from_agent.revents().is_empty() {
            continue;
        }
        let before = held.count;
        let answer = match receive(socket, |descriptor| held.push(descriptor)) {
            Ok(None) => break,
            Ok(Some(request)) => match request.kind {
                Kind::Begin => {
                    held.begin(before);
                    expired = None;
                    set(timer, request.value);
                    done(held.count)
                }
                Kind::Hold if held.overflow => failed(Errno::MFILE),
                Kind::Hold => state(expired, held.count),
                Kind::Thaw => {
                    set(timer, 0);
                    held.thaw(table, if held.count > FEW { PROCESSES } else { 1 });
                    state(expired, held.count)
                }
                Kind::Release => {
                    set(timer, 0);
                    held.forget();
                    state(expired.take(), 0)
                }
                Kind::Done | Kind::Expired | Kind::Failed => failed(Errno::PROTO),
            },
            Err(errno) => failed(errno),
        };
        if send(socket, answer, &[]).is_err() {
            break;
        }
    }
    held.thaw(table, PROCESSES);
}

fn state(expired: Option<u32>, count: usize) -> Message {
    expired.map_or_else(
        || done(count),
        |value| Message {
            kind: Kind::Expired,
            value,
        },
    )
}

fn done(count: usize) -> Message {
    Message {
        kind: Kind::Done,
        value: u32::try_from(count).unwrap_or(u32::MAX),
    }
}

fn failed(errno: Errno) -> Message {
    Message {
        kind: Kind::Failed,
        value: errno.raw_os_error().unsigned_abs(),
    }
}

/// Arms the timer, or disarms it with 0.
fn set(timer: BorrowedFd<'_>, milliseconds: u32) {
    let time = Itimerspec {
        it_interval: Timespec::default(),
        it_value: Timespec {
            tv_sec: i64::from(milliseconds / 1000),
            tv_nsec: i64::from(milliseconds % 1000) * 1_000_000,
        },
    };
    // Cannot fail for a timerfd and a time in range.
    let _ = timerfd_settime(timer, TimerfdTimerFlags::empty(), &time);
}

impl Held {
    fn push(&mut self, descriptor: OwnedFd) {
        match self.descriptors.get_mut(self.count) {
            Some(place) => {
                *place = Some(descriptor);
                self.count += 1;
            }
            None => self.overflow = true,
        }
    }

    /// Forgets the first `before` descriptors; the next one is the marker.
    fn begin(&mut self, before: usize) {
        let Some(rest) = self.count.checked_sub(before + 1) else {
            return;
        };
        if let Some(all) = self.descriptors.get_mut(..self.count) {
            all.rotate_left(before + 1);
            // Behind the rest: the forgotten ones, and the marker as the last.
            self.marker = all.last_mut().and_then(Option::take);
            for place in all.iter_mut().skip(rest) {
                *place = None;
            }
        }
        self.count = rest;
        self.overflow = false;
    }

    fn forget(&mut self) {
        for place in &mut self.descriptors {
            *place = None;
        }
        self.count = 0;
        self.overflow = false;
        self.marker = None;
    }

    /// Thaws what the agent has frozen, in several processes, so that a disk that
    /// hangs holds up no other. Keeps the descriptors: the agent may still be
    /// freezing. Returns the last errno, or 0.
    fn thaw(&self, table: &GuardTable, processes: usize) -> u32 {
        table.wait_for_thaw(self.count);
        for _ in 1..self.count.min(processes) {
            match fork() {
                Ok(Fork::Child) => {
                    self.thaw_waiting(table);
                    exit(0)
                }
                Ok(Fork::Parent(_)) => {}
                // This process does the work of those that cannot be had.
                Err(_) => break,
            }
        }
        self.thaw_waiting(table);
        while let Ok(Some(_)) = waitpid(None, WaitOptions::empty()) {}
        let failure = table.failure(self.count);
        if let (0, Some(marker)) = (failure, &self.marker) {
            // A marker that stays makes the next agent thaw once more: harmless.
            let _ = rustix::fs::ftruncate(marker.as_fd(), 0);
        }
        failure.unsigned_abs()
    }

    fn thaw_waiting(&self, table: &GuardTable) {
        table.thaw_waiting(|member| match self.descriptors.get(member) {
            Some(Some(descriptor)) => fs_freeze::thaw(descriptor),
            _ => Err(Errno::BADF),
        });
    }
}
