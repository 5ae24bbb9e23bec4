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

/// The way to the host. Gone once the channel has ended: the driver lets go of a
/// rescinded offer when nobody has it open or mapped.
pub struct Outbound {
    device: Arc<OwnedFd>,
    sender: Sender<MappedRing>,
    /// What did not fit into the ring yet.
    waiting: VecDeque<(Descriptor, Vec<u8>)>,
    /// The number of the request that is answered next.
    pub transaction: u64,
    /// Our interrupt may be masked. Cleared by every signal to the host.
    pub masked: bool,
    /// Held as long as the channel is open.
    _lock: OwnedFd,
}

impl Outbound {
    /// A side to be shared, with nothing sent yet.
    #[must_use]
    pub fn share(device: Arc<OwnedFd>, sender: Sender<MappedRing>, lock: OwnedFd) -> Shared {
        Arc::new(Mutex::new(Some(Self {
            device,
            sender,
            waiting: VecDeque::new(),
            transaction: 0,
            masked: true,
            _lock: lock,
        })))
    }

    /// Sends `body`, now or when there is space.
    ///
    /// # Errors
    /// The channel has to end.
    pub fn send(&mut self, body: Vec<u8>) -> Result<(), End> {
        let descriptor = Descriptor {
            kind: DATA_INBAND,
            transaction: self.transaction,
        };
        self.waiting.push_back((descriptor, body));
        self.flush().map(drop)
    }

    /// Sends what waits, in order; true when nothing waits any more.
    ///
    /// # Errors
    /// The channel has to end.
    pub fn flush(&mut self) -> Result<bool, End> {
        let mut signal = false;
        while let Some((descriptor, body)) = self.waiting.front() {
            match self.sender.send(*descriptor, body)? {
                Sent::Quietly => {}
                Sent::NeedsSignal => signal = true,
                Sent::TooLarge => return Err(End::Errno(Errno::MSGSIZE)),
                Sent::Full => break,
            }
            self.waiting.pop_front();
        }
        if signal {
            self.signal()?;
        }
        Ok(self.waiting.is_empty())
    }

    /// Unmasks our interrupt and signals the host (hv_uio_irqcontrol).
    ///
    /// # Errors
    /// `EIO` when the offer is rescinded.
    pub fn signal(&mut self) -> Result<(), End> {
        self.masked = false;
        loop {
            match write(&*self.device, &1i32.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(End::Errno(errno)),
            }
        }
    }
}
