//! Tells when interfaces, addresses or default routes change.

use crate::error::{Result, errno_of, failed, from_napi};
use crate::netlink::{DATAGRAM_BYTES, open};
use crate::netlink_records::is_notable;
use crate::stop::{Stop, Wake};
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::thread::JoinHandle;

/// RTMGRP_LINK, …_IPV4_IFADDR, …_IPV4_ROUTE, …_IPV6_IFADDR, …_IPV6_ROUTE
/// (include/uapi/linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

type Callback = ThreadsafeFunction<(), (), (), napi::Status, false>;

/// A thread that sleeps until the network changes.
#[napi]
pub struct NetworkWatch {
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

#[napi]
impl NetworkWatch {
    /// Calls `on_change` after changes, which may be merged, and once if no more
    /// can be told.
    ///
    /// # Errors
    /// socket(2): `EAFNOSUPPORT` or `EPERM` in a sandbox without netlink.
    #[napi(constructor)]
    pub fn new(on_change: Function<'_, (), ()>) -> Result<Self> {
        let socket =
            open(GROUPS).map_err(|errno| failed("watch the network through netlink", errno))?;
        let stop = Stop::new().map_err(|errno| failed("eventfd", errno))?;
        let callback: Callback = on_change
            .build_threadsafe_function()
            .build()
            .map_err(from_napi)?;
        let thread = std::thread::Builder::new()
            .name("network-watch".to_owned())
            .stack_size(128 * 1024)
            .spawn({
                let stop = stop.clone();
                move || watch(&socket, &stop, &callback)
            })
            .map_err(|error| failed("start a thread", errno_of(&error)))?;
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.stop.request();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already ended the process.
            drop(thread.join());
        }
    }
}

impl Drop for NetworkWatch {
    fn drop(&mut self) {
        self.close();
    }
}

fn watch(socket: &OwnedFd, stop: &Stop, callback: &Callback) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    while let Ok(Wake::Ready(_)) = stop.wait(&[(socket.as_fd(), PollFlags::IN)]) {
        let drained = drain(socket, &mut buffer);
        if drained != Ok(false) {
            // Fails only while the runtime is ending: nobody is left to tell.
            callback.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
        if drained.is_err() {
            return;
        }
    }
}

/// Whether anything worth telling was heard.
fn drain(socket: &OwnedFd, buffer: &mut [u8]) -> rustix::io::Result<bool> {
    let mut notable = false;
    loop {
        match recv(socket, &mut *buffer, RecvFlags::DONTWAIT) {
            Ok((read, _)) => notable |= is_notable(&buffer[..read]),
            // Notifications were lost: look again.
            Err(Errno::NOBUFS) => notable = true,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(notable),
            Err(errno) => return Err(errno),
        }
    }
}
