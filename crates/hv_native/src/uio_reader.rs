//! The thread that reads a ring channel.
//!
//! One message is with TypeScript at a time; the next is looked at when the
//! last has been dealt with, so that answers keep the order of requests and a
//! flood stays in the ring.

use crate::diversion::Diversion;
use crate::ring::{DATA_INBAND, Descriptor, Receiver};
use crate::ring_memory::MappedRing;
use crate::spin::Spin;
use crate::uio_outbound::{End, Outbound, Shared, locked};
use crate::uio_wait::Wait;
use napi::bindgen_prelude::{Buffer, FnArgs};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use rustix::io::Errno;
use std::convert::Infallible;
use std::time::Duration;

/// A message, or the end: `(message, errno, reason)`. `errno` 0 is the driver's
/// hang-up (the offer is rescinded); `reason` says what is wrong with the ring.
pub type Event = FnArgs<(Option<Buffer>, Option<i32>, Option<String>)>;
/// Takes an [`Event`] to TypeScript.
pub type Callback = ThreadsafeFunction<Event, (), Event, napi::Status, false>;

/// Packets between two looks at whether to stop.
const PACKETS_WITHOUT_A_LOOK: u64 = 64;

/// Looks into the ring between two looks at the clock.
const SPIN_LOOKS: u32 = 256;

/// First and longest wait for space in the ring to the host.
const FULL_WAIT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));

/// The receiving side of a channel.
pub struct Reader {
    receiver: Receiver<MappedRing>,
    outbound: Shared,
    wait: Wait,
    diversion: Diversion,
    spin: Spin,
    /// The host waits for space, and has not been signalled since.
    awaited: bool,
}

impl Reader {
    /// A side that has not read yet.
    #[must_use]
    pub fn new(
        receiver: Receiver<MappedRing>,
        outbound: Shared,
        wait: Wait,
        diversion: Diversion,
    ) -> Self {
        Self {
            receiver,
            outbound,
            wait,
            diversion,
            spin: Spin::default(),
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
        for packet in 1u64.. {
            if packet.is_multiple_of(PACKETS_WITHOUT_A_LOOK) {
                // A host that never pauses must not keep us from stopping.
                self.wait.wait(Some(Duration::ZERO))?;
            }
            self.flush()?;
            let Some(descriptor) = self.receiver.receive(&mut body)? else {
                self.sleep()?;
                continue;
            };
            self.take(descriptor, &mut body, callback)?;
        }
        Err(End::Stopped)
    }

    fn take(
        &mut self,
        descriptor: Descriptor,
        body: &mut Vec<u8>,
        callback: &Callback,
    ) -> Result<(), End> {
        self.awaited |= self.receiver.is_awaited();
        if descriptor.kind != DATA_INBAND {
            return Ok(());
        }
        self.with_outbound(|open| {
            open.transaction = descriptor.transaction;
            Ok(())
        })?;
        let Some(claim) = self.diversion.claim(body) else {
            call(callback, (Some(body.as_slice().into()), None, None));
            return self.wait_for_proceed();
        };
        if self.with_outbound(|open| open.send(claim.answer(body)))? {
            // That signal tells of the space as well.
            self.awaited = false;
        }
        // While the data are written an interrupt would come for nothing.
        self.receiver.mask(true);
        if !claim.write(body) {
            return Err(End::Errno(Errno::TIMEDOUT));
        }
        let receiver = &self.receiver;
        self.spin
            .until(SPIN_LOOKS, || receiver.is_empty().map(|empty| !empty))?;
        Ok(())
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

    /// Unmasks the interrupt, looks once more, and sleeps until the next one.
    fn sleep(&mut self) -> Result<(), End> {
        // Masked by us, or by the driver when the interrupt came (before 6.17).
        self.receiver.mask(false);
        self.signal_awaited()?;
        if !self.receiver.is_empty()? {
            return Ok(());
        }
        self.with_outbound(Outbound::signal_the_rest)?;
        self.wait.wait(None).map(drop)
    }

    fn wait_for_proceed(&mut self) -> Result<(), End> {
        self.signal_awaited()?;
        while !self.wait.wait(None)?.proceed {}
        Ok(())
    }

    /// Tells a host that waits for space in its ring that there is some.
    fn signal_awaited(&mut self) -> Result<(), End> {
        if std::mem::take(&mut self.awaited) {
            self.with_outbound(Outbound::signal)?;
        }
        Ok(())
    }

    /// Waits until everything to the host is in the ring; requests wait meanwhile.
    fn flush(&mut self) -> Result<(), End> {
        let (mut wait, longest) = FULL_WAIT;
        while !self.with_outbound(Outbound::flush)? {
            self.with_outbound(Outbound::signal)?;
            self.wait.wait(Some(wait))?;
            wait = longest.min(wait * 2);
        }
        Ok(())
    }
}

fn call(callback: &Callback, event: (Option<Buffer>, Option<i32>, Option<String>)) {
    // Fails only while the runtime is ending: nobody is left to tell.
    callback.call(
        FnArgs { data: event },
        ThreadsafeFunctionCallMode::NonBlocking,
    );
}
