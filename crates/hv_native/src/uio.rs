//! A VMBus channel in user space: the two rings and the interrupt of
//! /dev/uioN (drivers/uio/uio_hv_generic.c).

use crate::diversion::{Diversion, DiversionRule};
use crate::error::{Result, errno_of, failed, from_napi};
use crate::ring::{Receiver, Sender};
use crate::ring_memory::MappedRing;
use crate::stop::Stop;
use crate::uio_outbound::{End, Outbound, Shared, locked};
use crate::uio_reader::{Callback, Event, Reader};
use crate::uio_wait::Wait;
use napi::bindgen_prelude::{Function, Uint8Array};
use napi_derive::napi;
use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use rustix::io::{Errno, write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// How long `close` waits for a write to a file.
const CLOSE_WAIT: Duration = Duration::from_millis(200);

/// An open ring channel with a thread that reads it.
#[napi]
pub struct UioRing {
    path: String,
    outbound: Shared,
    diversion: Diversion,
    /// `None` once closed, so that their descriptors do not wait for the collector.
    events: Option<(Stop, Arc<OwnedFd>)>,
    reader: Option<JoinHandle<()>>,
}

#[napi]
impl UioRing {
    /// Opens `path`, maps its rings of `map_bytes` together, and starts to read.
    /// `on_event` is called with `(message, null, null)` for each message and once
    /// with `(null, errno, reason)` at the end, after the device has been closed.
    /// `lock_path` is locked as long as the channel is open.
    ///
    /// # Errors
    /// `EBUSY` another process has the lock, `ENOENT`, `ENXIO`, `EACCES`, `EINVAL`
    /// the map is not two rings, `EBADMSG` the rings are corrupt.
    #[napi(constructor)]
    pub fn new(
        path: String,
        map_bytes: u32,
        lock_path: String,
        on_event: Function<'_, Event, ()>,
    ) -> Result<Self> {
        let lock = take_lock(&lock_path)?;
        let device = open(
            path.as_str(),
            OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK,
            Mode::empty(),
        )
        .map_err(|errno| failed(format!("open '{path}'"), errno))?;
        let (to_host, from_host) = MappedRing::map_pair(&device, map_bytes as usize)
            .map_err(|errno| failed(format!("map '{path}'"), errno))?;
        let corrupt = |fault| failed(format!("open '{path}': {fault}"), Errno::BADMSG);
        let receiver = Receiver::new(from_host).map_err(corrupt)?;
        let sender = Sender::new(to_host).map_err(corrupt)?;
        let stop = Stop::new().map_err(|errno| failed("eventfd", errno))?;
        let proceed = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| failed("eventfd", errno))?;
        let callback: Callback = on_event
            .build_threadsafe_function()
            .build()
            .map_err(from_napi)?;
        let proceed = Arc::new(proceed);
        let wait = Wait::new(&device, Arc::clone(&proceed), &stop)
            .map_err(|errno| failed("wait for events", errno))?;
        let outbound: Shared = Outbound::share(device, sender, lock);
        let diversion = Diversion::default();
        let thread = Reader::new(receiver, Arc::clone(&outbound), wait, diversion.clone());
        let reader = std::thread::Builder::new()
            .name("ring".to_owned())
            .stack_size(128 * 1024)
            .spawn(move || thread.run(&callback))
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self {
            path,
            outbound,
            diversion,
            events: Some((stop, proceed)),
            reader: Some(reader),
        })
    }

    /// Sends a message, with the transaction number of the last one received.
    ///
    /// # Errors
    /// `EBADF` the channel has ended, `EMSGSIZE`, `EBADMSG` the ring is corrupt.
    #[napi]
    pub fn send(&self, message: Uint8Array) -> Result<()> {
        let call = || format!("write '{}'", self.path);
        let mut outbound = locked(&self.outbound);
        let open = outbound
            .as_mut()
            .ok_or_else(|| failed(call(), Errno::BADF))?;
        open.send(&message).map(drop).map_err(|end| match end {
            End::Corrupt(fault) => failed(format!("{}: {fault}", call()), Errno::BADMSG),
            End::Errno(Errno::IO) | End::HungUp | End::Stopped => failed(call(), Errno::BADF),
            End::Errno(errno) => failed(call(), errno),
        })
    }

    /// The last message has been dealt with; the next may come.
    #[napi]
    pub fn proceed(&self) {
        if let Some((_, proceed)) = &self.events {
            // The only failure is EAGAIN of a full counter: it is already set.
            let _ = write(&**proceed, &1u64.to_ne_bytes());
        }
    }

    /// Lets the reading thread write file data and answer by itself.
    ///
    /// # Errors
    /// Those of open(2) for the rule's file.
    #[napi]
    pub fn divert(&self, rule: DiversionRule) -> Result<()> {
        self.diversion.begin(rule)
    }

    /// Bytes written by the rule in force, 0 without one.
    #[napi]
    pub fn diverted(&self) -> f64 {
        self.diversion.position() as f64
    }

    /// Why a write of the rule in force failed: an errno, 0 for none.
    #[napi]
    pub fn diversion_failure(&self) -> i32 {
        self.diversion.failure()
    }

    /// Lifts the rule.
    #[napi]
    pub fn end_diversion(&self) {
        self.diversion.end();
    }

    /// Closes the device and ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        if let Some((stop, _)) = self.events.take() {
            stop.request();
        }
        let idle = self.diversion.close(CLOSE_WAIT);
        if let Some(reader) = self.reader.take()
            && idle
        {
            // A panic of the reader has already ended the process. A reader that
            // hangs in a frozen file system ends by itself after the thaw.
            drop(reader.join());
        }
        drop(locked(&self.outbound).take());
    }
}

impl Drop for UioRing {
    fn drop(&mut self) {
        self.close();
    }
}

fn take_lock(path: &str) -> Result<OwnedFd> {
    let call = || format!("lock '{path}'");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let lock = open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|errno| failed(call(), errno))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|errno| match errno {
        Errno::WOULDBLOCK => failed(call(), Errno::BUSY),
        errno => failed(call(), errno),
    })?;
    Ok(lock)
}
