//! What the reading thread of a ring channel sleeps on. The interrupt is waited for
//! by its edges, so that its counter need not be read: one call for each message.

use crate::stop::Stop;
use crate::uio_outbound::End;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::io::{Errno, read};
use std::sync::Arc;
use std::time::Duration;

const STOP: u64 = 0;
const INTERRUPT: u64 = 1;
const PROCEED: u64 = 2;

/// The descriptors of one channel.
pub struct Wait {
    epoll: OwnedFd,
    proceed: Arc<OwnedFd>,
    /// A request to stop is lost with its descriptor: epoll(7) forgets one that is closed.
    _stop: Stop,
}

/// What has happened besides interrupts.
#[derive(Default, Clone, Copy)]
pub struct Woken {
    /// TypeScript has dealt with the last message.
    pub proceed: bool,
}

impl Wait {
    /// # Errors
    /// Those of epoll_create1(2) and epoll_ctl(2).
    pub fn new(device: &OwnedFd, proceed: Arc<OwnedFd>, stop: &Stop) -> rustix::io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let level = epoll::EventFlags::IN;
        let edge = level | epoll::EventFlags::ET;
        epoll::add(&epoll, stop.as_fd(), epoll::EventData::new_u64(STOP), level)?;
        epoll::add(&epoll, device, epoll::EventData::new_u64(INTERRUPT), edge)?;
        let data = epoll::EventData::new_u64(PROCEED);
        epoll::add(&epoll, &*proceed, data, level)?;
        Ok(Self {
            epoll,
            proceed,
            _stop: stop.clone(),
        })
    }

    /// Sleeps until something happens, at most about `limit`.
    ///
    /// # Errors
    /// [`End::Stopped`], [`End::HungUp`], or what epoll_wait(2) says except `EINTR`.
    pub fn wait(&self, limit: Option<Duration>) -> Result<Woken, End> {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(STOP),
        }; 3];
        let count = loop {
            match epoll::wait(&self.epoll, &mut events, limit.as_ref()) {
                Ok(count) => break count,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(End::Errno(errno)),
            }
        };
        let mut woken = Woken::default();
        for event in &events[..count] {
            let (data, flags) = (event.data.u64(), event.flags);
            match data {
                INTERRUPT if is_end(flags) => return Err(End::HungUp),
                INTERRUPT => {}
                PROCEED => {
                    woken.proceed = true;
                    let mut number = [0; 8];
                    // Whatever it says, it was readable: go on.
                    let _ = read(&*self.proceed, &mut number);
                }
                _ => return Err(End::Stopped),
            }
        }
        Ok(woken)
    }
}

/// A device that is gone is also readable: its poll gives -EIO as a mask (uio_poll).
fn is_end(flags: epoll::EventFlags) -> bool {
    flags.intersects(epoll::EventFlags::HUP | epoll::EventFlags::ERR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{EventfdFlags, eventfd};

    #[test]
    fn a_stop_is_heard_though_whoever_asked_for_it_has_let_go() {
        let eventfd = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        let stop = Stop::new().unwrap();
        let wait = Wait::new(&eventfd(), Arc::new(eventfd()), &stop).unwrap();
        stop.request();
        drop(stop);
        let limit = Some(Duration::from_secs(5));
        assert!(matches!(wait.wait(limit), Err(End::Stopped)));
    }
}
