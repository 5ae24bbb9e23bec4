//! Tells when interfaces, addresses or default routes change.

use crate::error::{Result, failed};
use crate::netlink::{DATAGRAM_BYTES, open};
use crate::netlink_records::is_notable;
use crate::stop::{Stop, Wake};
use crate::watch_thread::{OnChange, WatchThread};
use napi::bindgen_prelude::Function;
use napi_derive::napi;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};

/// RTMGRP_LINK, …_IPV4_IFADDR, …_IPV4_ROUTE, …_IPV6_IFADDR, …_IPV6_ROUTE
/// (include/uapi/linux/rtnetlink.h).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

/// A thread that sleeps until the network changes.
#[napi]
pub struct NetworkWatch(WatchThread);

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
        WatchThread::start("network-watch", on_change, move |stop, on_change| {
            watch(&socket, stop, on_change);
        })
        .map(Self)
    }

    /// Ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.0.close();
    }
}

fn watch(socket: &OwnedFd, stop: &Stop, on_change: &OnChange) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    while let Ok(Wake::Ready(_)) = stop.wait(&[(socket.as_fd(), PollFlags::IN)]) {
        let drained = drain(socket, &mut buffer);
        if drained != Ok(false) {
            on_change.tell();
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
