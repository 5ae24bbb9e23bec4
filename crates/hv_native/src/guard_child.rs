//! The guard process, seen from itself: how it comes out of the agent.
#![expect(unsafe_code, reason = "the child gives memory back")]

use crate::fork::{Fork, block_signals, close_all_but, discard, exit, fork};
use crate::guard_agent::AgentProcess;
use crate::guard_loop::guard;
use crate::guard_memory::{Range, discardable};
use crate::guard_table::GuardTable;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, write};
use rustix::process::{Pid, chdir, setsid};

type Guard = fn(BorrowedFd<'_>, BorrowedFd<'_>, Option<&AgentProcess>, &GuardTable);

/// Mappings of the agent that the guard gives back; more stay.
const MAX_RANGES: usize = 1024;

/// Forks the guard from the calling thread, whose signals it blocks.
///
/// # Errors
/// `EAGAIN`, `ENOMEM`.
pub fn fork_guard(
    socket: BorrowedFd<'_>,
    timer: BorrowedFd<'_>,
    table: &GuardTable,
) -> Result<Pid, Errno> {
    block_signals();
    // On this stack, which the child keeps, unlike that of the caller.
    let table = table.handle();
    let mut ranges: [Range; MAX_RANGES] = [(0, 0); MAX_RANGES];
    let here = std::ptr::from_ref(&ranges).addr();
    let code = (guard as Guard as *const ()).addr();
    let agent = AgentProcess::current();
    // Without /proc/self/maps the guard keeps its memory.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (place, range) in ranges.iter_mut().zip(discardable(&maps, &[here, code])) {
        *place = range;
    }
    match fork()? {
        Fork::Parent(id) => Ok(id),
        Fork::Child => {
            be_guard(socket, timer, agent.as_ref(), &table, &ranges);
            exit(0)
        }
    }
}

/// The child's life; see `guard_loop.rs` for what it may not do.
fn be_guard(
    socket: BorrowedFd<'_>,
    timer: BorrowedFd<'_>,
    agent: Option<&AgentProcess>,
    table: &GuardTable,
    ranges: &[Range],
) {
    // Each is a courtesy that the guard works without.
    let _ = rustix::thread::set_name(c"hvguest-guard");
    let _ = setsid();
    let _ = chdir(c"/");
    escape_the_oom_killer();
    let (socket_fd, timer_fd) = (socket.as_raw_fd(), timer.as_raw_fd());
    let agent_fd = agent.map_or(timer_fd, AsRawFd::as_raw_fd);
    let mut kept = [socket_fd, timer_fd, agent_fd];
    kept.sort_unstable();
    close_all_but(&kept);
    // SAFETY: the ranges hold no code or data of this library and of those it
    // calls, and not this stack (`discardable`). Symbols were bound when the
    // library was loaded (`-z now`), so that no call goes through the loader.
    unsafe { discard(ranges) };
    guard(socket, timer, agent, table);
}

fn escape_the_oom_killer() {
    if let Ok(file) = open(
        c"/proc/self/oom_score_adj",
        OFlags::WRONLY | OFlags::CLOEXEC,
        Mode::empty(),
    ) {
        // Needs CAP_SYS_RESOURCE.
        let _ = write(&file, b"-1000");
    }
}
