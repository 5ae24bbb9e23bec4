//! A character device that carries messages: one read is one message, one write
//! is one message (drivers/hv/hv_utils_transport.c).

use crate::error::{Result, errno_of, failed};
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

/// A message, or the end: `(message, errno)` with exactly one of them set.
/// `errno` 0 is the driver's hang-up (the device is being removed).
type Event = FnArgs<(Option<Buffer>, Option<i32>)>;
type Callback = ThreadsafeFunction<Event, (), Event, napi::Status, false>;

/// The descriptor, shared by the reader and the writer. `None` once closed: the
/// driver's removal waits for the close, so whoever notices the end closes.
type Shared = Arc<Mutex<Option<Arc<OwnedFd>>>>;

/// An open message device with a thread that reads it.
#[napi]
pub struct Device {
    path: String,
    descriptor: Shared,
    stop: Stop,
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
        let reader = std::thread::Builder::new()
            .name("device".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let descriptor = Arc::clone(&descriptor);
                let stop = stop.clone();
                move || read_messages(&descriptor, &stop, buffer_bytes as usize, &callback)
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self {
            path,
            descriptor,
            stop,
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
        loop {
            match write(&*fd, &message) {
                Ok(count) if count == message.len() => return Ok(()),
                Ok(_) => return Err(failed(call(), Errno::IO)),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(call(), errno)),
            }
        }
    }

    /// Closes the device and ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.stop.request();
        if let Some(reader) = self.reader.take() {
            // A panic of the reader has already ended the process.
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

fn read_messages(descriptor: &Shared, stop: &Stop, buffer_bytes: usize, callback: &Callback) {
    let Some(fd) = current(descriptor) else {
        return;
    };
    let mut buffer = vec![0; buffer_bytes];
    let end = loop {
        match next_message(&fd, stop, &mut buffer) {
            Ok(Some(message)) => send(callback, Some(message.into()), None),
            Ok(None) => return,
            Err(errno) => break errno,
        }
    };
    drop(fd);
    close(descriptor);
    send(callback, None, Some(end));
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

/// `Ok(None)` when asked to stop; `Err(0)` when the device hung up.
fn next_message(
    fd: &OwnedFd,
    stop: &Stop,
    buffer: &mut [u8],
) -> std::result::Result<Option<Vec<u8>>, i32> {
    loop {
        let events = match stop.wait(&[(fd.as_fd(), PollFlags::IN)]) {
            Ok(Wake::Ready(events)) => events[0],
            Ok(Wake::Stopped) => return Ok(None),
            Err(errno) => return Err(errno.raw_os_error()),
        };
        // HUP first: a device that is going has nothing more to say.
        if events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(0);
        }
        match read(fd, &mut *buffer) {
            // A driver whose end has come may also read as empty.
            Ok(0) => return Err(0),
            Ok(count) => return Ok(Some(buffer[..count].to_vec())),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(errno) => return Err(errno.raw_os_error()),
        }
    }
}
