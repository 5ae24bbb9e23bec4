//! The thread that reads a ring channel.
//!
//! One message is with TypeScript at a time; the next is looked at when the
//! last has been dealt with, so that answers keep the order of requests and a
//! flood stays in the ring.

use crate::diversion::{Diversion, Taken};
use crate::ring::{DATA_INBAND, Receiver};
use crate::ring_memory::MappedRing;
use crate::stop::{Stop, Wake};
use crate::uio_outbound::{End, Outbound, Shared, locked};
use napi::bindgen_prelude::{Buffer, FnArgs};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, read};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A message, or the end: `(message, errno, reason)`. `errno` 0 is the driver's
/// hang-up (the offer is rescinded); `reason` says what is wrong with the ring.
pub type Event = FnArgs<(Option<Buffer>, Option<i32>, Option<String>)>;
/// Takes an [`Event`] to TypeScript.
pub type Callback = ThreadsafeFunction<Event, (), Event, napi::Status, false>;

/// Longest wait for the next message without sleeping, after one that was
/// answered here: during a transfer the host's next one is near.
const SPIN: Duration = Duration::from_micros(200);
/// Waits in vain after which the host counts as slow, and only some are tried.
const SPIN_FAILURES: u32 = 8;
const SPIN_RETRY: u32 = 64;

/// First and longest wait for space in the ring to the host.
const FULL_WAIT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));

/// The receiving side of a channel.
pub struct Reader {
    device: Arc<OwnedFd>,
    receiver: Receiver<MappedRing>,
    outbound: Shared,
    proceed: Arc<OwnedFd>,
    diversion: Diversion,
    stop: Stop,
    spins_in_vain: u32,
    /// The host waits for space, and has not been signalled since.
    awaited: bool,
}

impl Reader {
    /// A side that has not read yet.
    #[must_use]
    pub fn new(
        device: Arc<OwnedFd>,
        receiver: Receiver<MappedRing>,
        outbound: Shared,
        proceed: Arc<OwnedFd>,
        diversion: Diversion,
        stop: Stop,
    ) -> Self {
        Self {
            device,
            receiver,
            outbound,
            proceed,
            diversion,
            stop,
            spins_in_vain: 0,
            awaited: false,
        }
    }

    /// Reads until the channel ends, and tells the end.
    pub fn run(mut self, callback: &Callback) {
        let end = match self.read_messages(callback) {
            Err(end) => end,
            Ok(never) => match never {},
        };
        // Close before anybody is told: the offer may be waiting for it.
        drop(locked(&self.outbound).take());
        drop(self);
        let (errno, reason) = match end {
            End::Stopped => return,
            End::HungUp | End::Errno(Errno::IO) => (0, None),
            End::Errno(errno) => (errno.raw_os_error(), None),
            End::Corrupt(fault) => (Errno::BADMSG.raw_os_error(), Some(fault.to_string())),
        };
        call(callback, (None, Some(errno), reason));
    }

    fn read_messages(&mut self, callback: &Callback) -> Result<Infallible, End> {
        let mut body = Vec::new();
        let mut in_transfer = false;
        loop {
            self.flush()?;
            let Some(descriptor) = self.receiver.receive(&mut body)? else {
                if !(in_transfer && self.spin()?) {
                    in_transfer = false;
                    self.sleep()?;
                }
                continue;
            };
            self.awaited |= self.receiver.is_awaited();
            if descriptor.kind != DATA_INBAND {
                continue;
            }
            self.with_outbound(|open| {
                open.transaction = descriptor.transaction;
                Ok(())
            })?;
            match self.diversion.take(&mut body) {
                Taken::Answered => {
                    in_transfer = true;
                    let answer = std::mem::take(&mut body);
                    body = self.answer(answer)?;
                }
                Taken::Late => return Err(End::Errno(Errno::TIMEDOUT)),
                Taken::No => {
                    in_transfer = false;
                    call(callback, (Some(body.as_slice().into()), None, None));
                    self.wait_for_proceed()?;
                }
            }
        }
    }

    fn with_outbound<T>(
        &self,
        act: impl FnOnce(&mut Outbound) -> Result<T, End>,
    ) -> Result<T, End> {
        match locked(&self.outbound).as_mut() {
            Some(outbound) => act(outbound),
            None => Err(End::Stopped),
        }
    }

    /// Sends an answer made here, and asks for silence while the host thinks.
    fn answer(&mut self, answer: Vec<u8>) -> Result<Vec<u8>, End> {
        self.with_outbound(|open| open.send(answer))?;
        self.receiver.mask(true);
        self.awaited = false;
        self.with_outbound(|open| {
            open.masked = true;
            Ok(Vec::new())
        })
    }

    /// Waits a moment without sleeping; true when a packet has come.
    fn spin(&mut self) -> Result<bool, End> {
        self.spins_in_vain = self.spins_in_vain.saturating_add(1);
        if self.spins_in_vain > SPIN_FAILURES && !self.spins_in_vain.is_multiple_of(SPIN_RETRY) {
            return Ok(false);
        }
        let started = Instant::now();
        while started.elapsed() < SPIN {
            for _ in 0..32 {
                if !self.receiver.is_empty()? {
                    self.spins_in_vain = 0;
                    return Ok(true);
                }
                std::hint::spin_loop();
            }
        }
        Ok(false)
    }

    /// Unmasks the interrupt, looks once more, and sleeps until the next one.
    fn sleep(&mut self) -> Result<(), End> {
        // The driver may have masked the interrupt when it came (before 6.17).
        self.receiver.mask(false);
        let awaited = std::mem::take(&mut self.awaited);
        self.with_outbound(|open| {
            if open.masked || awaited {
                open.signal()?;
            }
            Ok(())
        })?;
        if !self.receiver.is_empty()? {
            return Ok(());
        }
        let wake = self
            .stop
            .wait(&[(self.device.as_fd(), PollFlags::IN)])
            .map_err(End::Errno)?;
        match wake {
            Wake::Stopped => return Err(End::Stopped),
            Wake::Ready(events) => check(events[0])?,
        }
        self.with_outbound(|open| {
            open.masked = true;
            Ok(())
        })?;
        let mut count = [0; 4];
        match read(&*self.device, &mut count) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(errno) => Err(End::Errno(errno)),
        }
    }

    fn wait_for_proceed(&mut self) -> Result<(), End> {
        if std::mem::take(&mut self.awaited) {
            self.with_outbound(Outbound::signal)?;
        }
        loop {
            let wake = self
                .stop
                .wait(&[
                    (self.device.as_fd(), PollFlags::empty()),
                    (self.proceed.as_fd(), PollFlags::IN),
                ])
                .map_err(End::Errno)?;
            let Wake::Ready(events) = wake else {
                return Err(End::Stopped);
            };
            check(events[0])?;
            if !events[1].is_empty() {
                let mut count = [0; 8];
                // Whatever it says, the descriptor was readable: go on.
                let _ = read(&*self.proceed, &mut count);
                return Ok(());
            }
        }
    }

    /// Waits until everything to the host is in the ring; requests wait meanwhile.
    fn flush(&mut self) -> Result<(), End> {
        let (mut wait, longest) = FULL_WAIT;
        while !self.with_outbound(Outbound::flush)? {
            self.receiver.mask(false);
            self.with_outbound(Outbound::signal)?;
            let wake = self
                .stop
                .wait_for(&[(self.device.as_fd(), PollFlags::empty())], Some(wait))
                .map_err(End::Errno)?;
            match wake {
                Wake::Stopped => return Err(End::Stopped),
                Wake::Ready(events) => check(events[0])?,
            }
            wait = longest.min(wait * 2);
        }
        Ok(())
    }
}

fn check(events: PollFlags) -> Result<(), End> {
    // ERR and HUP first: a device that is gone is also readable.
    if events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        return Err(End::HungUp);
    }
    Ok(())
}

fn call(callback: &Callback, event: (Option<Buffer>, Option<i32>, Option<String>)) {
    // Fails only while the runtime is ending: nobody is left to tell.
    callback.call(
        FnArgs { data: event },
        ThreadsafeFunctionCallMode::NonBlocking,
    );
}
