//! Ends a waiting thread: an eventfd that every wait includes.

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, Result, write};
use std::sync::Arc;

/// A request to stop that can be waited for; clones share it.
#[derive(Clone)]
pub struct Stop(Arc<OwnedFd>);

/// What [`Stop::wait`] returned for.
pub enum Wake {
    /// [`Stop::request`] was called.
    Stopped,
    /// The events of each waited descriptor, in order.
    Ready(Vec<PollFlags>),
}

impl Stop {
    /// # Errors
    /// `EMFILE` and the like, from eventfd(2).
    pub fn new() -> Result<Self> {
        Ok(Self(Arc::new(eventfd(
            0,
            EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK,
        )?)))
    }

    /// Wakes every wait, now and later. Never blocks.
    pub fn request(&self) {
        // The only failure is EAGAIN of a full counter: it is already set.
        let _ = write(&*self.0, &1u64.to_ne_bytes());
    }

    /// A descriptor that is readable once a stop is requested.
    #[must_use]
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Sleeps without limit until a descriptor has one of its events or a stop
    /// is requested. Signals are waited through.
    ///
    /// # Errors
    /// Those of poll(2), except `EINTR`.
    pub fn wait(&self, descriptors: &[(BorrowedFd<'_>, PollFlags)]) -> Result<Wake> {
        let mut polled: Vec<PollFd<'_>> = descriptors
            .iter()
            .map(|(fd, events)| PollFd::from_borrowed_fd(*fd, *events))
            .collect();
        polled.push(PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN));
        loop {
            match poll(&mut polled, None) {
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
                Ok(_) => break,
            }
        }
        if polled.last().is_some_and(|stop| !stop.revents().is_empty()) {
            return Ok(Wake::Stopped);
        }
        Ok(Wake::Ready(
            polled[..descriptors.len()]
                .iter()
                .map(PollFd::revents)
                .collect(),
        ))
    }
}

#[cfg(test)]
#[path = "stop_tests.rs"]
mod tests;
