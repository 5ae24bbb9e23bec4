//! The sending side of a ring channel, shared by the reading thread and TypeScript.

use crate::ring::{DATA_INBAND, Descriptor, Fault, Sender, Sent};
use crate::ring_memory::MappedRing;
use rustix::fd::OwnedFd;
use rustix::io::{Errno, write};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a channel ends.
pub enum End {
    /// We close it.
    Stopped,
    /// The offer is rescinded.
    HungUp,
    /// A call failed.
    Errno(Errno),
    /// The other end has broken the ring.
    Corrupt(Fault),
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Corrupt(fault)
    }
}

/// An [`Outbound`] that is gone once the channel has ended.
pub type Shared = Arc<Mutex<Option<Outbound>>>;

/// The outbound side, for as long as the guard lives.
pub fn locked(shared: &Shared) -> MutexGuard<'_, Option<Outbound>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a message to the host is.
enum Put {
    /// In the ring.
    Quietly,
    /// In the ring, and the host was signalled.
    Signalled,
    /// Still here: there is no space now.
    Full,
}

/// The way to the host. Gone once the channel has ended: the driver lets go of a
/// rescinded offer when nobody has it open or mapped.
pub struct Outbound {
    device: OwnedFd,
    sender: Sender<MappedRing>,
    /// What did not fit into the ring yet.
    waiting: VecDeque<(Descriptor, Vec<u8>)>,
    /// The number of the request that is answered next.
    pub transaction: u64,
    /// Whether something has been put into the ring since the last signal.
    unsignalled: bool,
    /// Held as long as the channel is open.
    _lock: OwnedFd,
}

impl Outbound {
    /// A side to be shared, with nothing sent yet.
    #[must_use]
    pub fn share(device: OwnedFd, sender: Sender<MappedRing>, lock: OwnedFd) -> Shared {
        Arc::new(Mutex::new(Some(Self {
            device,
            sender,
            waiting: VecDeque::new(),
            transaction: 0,
            unsignalled: false,
            _lock: lock,
        })))
    }

    /// Sends `body`, now or when there is space; true when the host was signalled
    /// for it.
    ///
    /// # Errors
    /// The channel has to end.
    pub fn send(&mut self, body: &[u8]) -> Result<bool, End> {
        let descriptor = Descriptor {
            kind: DATA_INBAND,
            transaction: self.transaction,
        };
        let put = if self.flush()? {
            self.put(descriptor, body)?
        } else {
            Put::Full
        };
        if matches!(put, Put::Full) {
            self.waiting.push_back((descriptor, body.to_vec()));
        }
        Ok(matches!(put, Put::Signalled))
    }

    /// Sends what waits, in order; true when nothing waits any more.
    ///
    /// # Errors
    /// The channel has to end.
    pub fn flush(&mut self) -> Result<bool, End> {
        while let Some((descriptor, body)) = self.waiting.pop_front() {
            if matches!(self.put(descriptor, &body)?, Put::Full) {
                self.waiting.push_front((descriptor, body));
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn put(&mut self, descriptor: Descriptor, body: &[u8]) -> Result<Put, End> {
        match self.sender.send(descriptor, body)? {
            Sent::Quietly => {
                self.unsignalled = true;
                Ok(Put::Quietly)
            }
            Sent::NeedsSignal => self.signal().map(|()| Put::Signalled),
            Sent::Full => Ok(Put::Full),
            Sent::TooLarge => Err(End::Errno(Errno::MSGSIZE)),
        }
    }

    /// Signals the host if it may not know of everything that is in the ring: one
    /// that looks only once for each signal has not seen what came while it looked.
    ///
    /// # Errors
    /// [`End::HungUp`] when the offer is rescinded.
    pub fn signal_the_rest(&mut self) -> Result<(), End> {
        if self.unsignalled {
            self.signal()?;
        }
        Ok(())
    }

    /// Signals the host, which also unmasks our interrupt (hv_uio_irqcontrol).
    ///
    /// # Errors
    /// [`End::HungUp`] when the offer is rescinded.
    pub fn signal(&mut self) -> Result<(), End> {
        loop {
            match write(&self.device, &1i32.to_ne_bytes()) {
                Ok(_) => {
                    self.unsignalled = false;
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                // The size is right: the device is going (uio_write).
                Err(Errno::IO | Errno::INVAL) => return Err(End::HungUp),
                Err(errno) => return Err(End::Errno(errno)),
            }
        }
    }
}
