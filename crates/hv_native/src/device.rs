//! A character device that carries messages: one read is one message, one write
//! is one message (drivers/hv/hv_utils_transport.c).

use crate::diversion::{Diversion, DiversionRule};
use crate::error::{Result, errno_of, failed};
use crate::prepared::{FileState, Prepared, PreparedAnswer};
use crate::stop::{Stop, Wake};
use napi::bindgen_prelude::{Buffer, FnArgs, Function, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read, write};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A message, or the end: `(message, errno)` with exactly one of them set.
/// `errno` 0 is the driver's hang-up (the device is being removed).
type Event = FnArgs<(Option<Buffer>, Option<i32>)>;
type Callback = ThreadsafeFunction<Event, (), Event, napi::Status, false>;

/// The descriptor, shared by the reader and the writer. `None` once closed: the
/// driver's removal waits for the close, so whoever notices the end closes.
type Shared = Arc<Mutex<Option<Arc<OwnedFd>>>>;

/// How long `close` waits for a write to a file.
const CLOSE_WAIT: Duration = Duration::from_millis(200);

/// An open message device with a thread that reads it.
#[napi]
pub struct Device {
    path: String,
    descriptor: Shared,
    diversion: Diversion,
    prepared: Prepared,
    /// `None` once closed, so that its descriptor does not wait for the collector.
    stop: Option<Stop>,
    reader: Option<JoinHandle<()>>,
}

#[napi]
impl Device {
    /// Opens `path` for reading and writing and starts to read it with messages
    /// of at most `buffer_bytes`. `on_event` is called with `(message, null)` for
    /// each message and once with `(null, errno)` at the end, after the
    /// descriptor has been closed.
    ///
    /// # Errors
    /// open(2): `EBUSY` another process has it, `EBADF` it is being removed,
    /// `ENOENT` it is not there, `EACCES`.
    #[napi(constructor)]
    pub fn new(path: String, buffer_bytes: u32, on_event: Function<'_, Event, ()>) -> Result<Self> {
        let fd = open(
            path.as_str(),
            OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK,
            Mode::empty(),
        )
        .map_err(|errno| failed(format!("open '{path}'"), errno))?;
        let stop = Stop::new().map_err(|errno| failed("eventfd", errno))?;
        let callback: Callback = on_event
            .build_threadsafe_function()
            .build()
            .map_err(crate::error::from_napi)?;
        let descriptor: Shared = Arc::new(Mutex::new(Some(Arc::new(fd))));
        let diversion = Diversion::default();
        let prepared = Prepared::default();
        let reader = std::thread::Builder::new()
            .name("device".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let descriptor = Arc::clone(&descriptor);
                let (diversion, prepared) = (diversion.clone(), prepared.clone());
                let stop = stop.clone();
                let mut buffer = vec![0; buffer_bytes as usize];
                move || {
                    let known = (&prepared, &diversion);
                    read_messages(&descriptor, known, &stop, &mut buffer, &callback);
                }
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self {
            path,
            descriptor,
            diversion,
            prepared,
            stop: Some(stop),
            reader: Some(reader),
        })
    }

    /// Writes one message.
    ///
    /// # Errors
    /// `EINVAL` the driver no longer waits for it, `EBADF` closed or being removed.
    #[napi]
    pub fn write(&self, message: Uint8Array) -> Result<()> {
        let call = || format!("write '{}'", self.path);
        let fd = current(&self.descriptor).ok_or_else(|| failed(call(), Errno::BADF))?;
        write_message(&fd, &message).map_err(|errno| failed(call(), errno))
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

    /// Lets the reading thread send answers by itself, while `file` is as it says.
    #[napi]
    pub fn prepare(&self, answers: Vec<PreparedAnswer>, file: Option<FileState>) {
        let pairs = answers.iter().map(|pair| (&*pair.request, &*pair.answer));
        self.prepared.add(pairs, file.map(Into::into));
    }

    /// Forgets all prepared answers.
    #[napi]
    pub fn forget_prepared(&self) {
        self.prepared.forget();
    }

    /// How many prepared answers were sent.
    #[napi]
    pub fn prepared_sent(&self) -> u32 {
        self.prepared.sent()
    }

    /// Closes the device and ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        if let Some(stop) = self.stop.take() {
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
        close(&self.descriptor);
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.close();
    }
}

fn current(descriptor: &Shared) -> Option<Arc<OwnedFd>> {
    descriptor
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

fn close(descriptor: &Shared) {
    drop(
        descriptor
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(),
    );
}

fn read_messages(
    descriptor: &Shared,
    (prepared, diversion): (&Prepared, &Diversion),
    stop: &Stop,
    buffer: &mut Vec<u8>,
    callback: &Callback,
) {
    let Some(fd) = current(descriptor) else {
        return;
    };
    let end = loop {
        match next_message(&fd, stop, buffer) {
            Ok(()) => {}
            Err(Some(errno)) => break errno,
            Err(None) => return,
        }
        if prepared.answer(buffer) {
            if let Err(errno) = write_message(&fd, buffer) {
                break errno.raw_os_error();
            }
            continue;
        }
        let Some(claim) = diversion.claim(buffer) else {
            send(callback, Some(buffer.as_slice().into()), None);
            continue;
        };
        if let Err(errno) = write_message(&fd, claim.answer(buffer)) {
            break errno.raw_os_error();
        }
        if !claim.write(buffer) {
            break Errno::TIMEDOUT.raw_os_error();
        }
    };
    drop(fd);
    close(descriptor);
    send(callback, None, Some(end));
}

fn write_message(fd: &OwnedFd, message: &[u8]) -> rustix::io::Result<()> {
    loop {
        match write(fd, message) {
            Ok(count) if count == message.len() => return Ok(()),
            Ok(_) => return Err(Errno::IO),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn send(callback: &Callback, message: Option<Buffer>, errno: Option<i32>) {
    // Fails only while the runtime is ending: nobody is left to tell.
    callback.call(
        FnArgs {
            data: (message, errno),
        },
        ThreadsafeFunctionCallMode::NonBlocking,
    );
}

/// Reads into `buffer`, whose length becomes the message's. `Err(None)` when asked
/// to stop, `Err(Some(0))` when the device hung up.
fn next_message(
    fd: &OwnedFd,
    stop: &Stop,
    buffer: &mut Vec<u8>,
) -> std::result::Result<(), Option<i32>> {
    loop {
        let events = match stop.wait(&[(fd.as_fd(), PollFlags::IN)]) {
            Ok(Wake::Ready(events)) => events[0],
            Ok(Wake::Stopped) => return Err(None),
            Err(errno) => return Err(Some(errno.raw_os_error())),
        };
        // HUP first: a device that is going has nothing more to say.
        if events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(Some(0));
        }
        buffer.resize(buffer.capacity(), 0);
        match read(fd, &mut *buffer) {
            // A driver whose end has come may also read as empty.
            Ok(0) => return Err(Some(0)),
            Ok(count) => {
                buffer.truncate(count);
                return Ok(());
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(Some(errno.raw_os_error())),
        }
    }
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
