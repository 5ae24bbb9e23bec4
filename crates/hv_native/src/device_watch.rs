//! Tells when devices may have come or gone: kernel uevents of VMBus and device
//! nodes, and changes of directories such as /dev/vmbus.

use crate::error::{Result, failed};
use crate::stop::{Stop, Wake};
use crate::watch_thread::{OnChange, WatchThread};
use napi::bindgen_prelude::Function;
use napi_derive::napi;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::inotify;
use rustix::io::{Errno, read};
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

/// The multicast group of the kernel's own uevents (not udev's).
const KERNEL_GROUP: u32 = 1;
/// Largest uevent: `UEVENT_BUFFER_SIZE` (include/linux/kobject.h) and its header.
const UEVENT_BYTES: usize = 8192;

/// A thread that sleeps until devices change.
#[napi]
pub struct DeviceWatch(WatchThread);

#[napi]
impl DeviceWatch {
    /// Calls `on_change` after a uevent whose text contains one of `subjects`
    /// and after an entry of one of `directories` was made or removed. A
    /// directory that does not exist is watched from the first event after it was
    /// made: its parent should be among them. Events may be merged.
    ///
    /// # Errors
    /// Those of starting a thread. Without netlink (`EPERM`, `EAFNOSUPPORT` in a
    /// sandbox) only directories are watched, and without inotify (`EMFILE`, `ENOSPC`:
    /// other programs have it all) only uevents; without both, the errno of inotify.
    #[napi(constructor)]
    pub fn new(
        subjects: Vec<String>,
        directories: Vec<String>,
        on_change: Function<'_, (), ()>,
    ) -> Result<Self> {
        let changes = open_changes()
            .and_then(|changes| watch_directories(&changes, &directories).map(|()| changes));
        let sources = Sources::new(open_uevents(), changes, subjects, directories)
            .map_err(|errno| failed("watch device directories", errno))?;
        WatchThread::start("device-watch", on_change, move |stop, on_change| {
            watch(&sources, stop, on_change);
        })
        .map(Self)
    }

    /// Ends the thread. Later calls do nothing.
    #[napi]
    pub fn close(&mut self) {
        self.0.close();
    }
}

fn open_uevents() -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        Some(KOBJECT_UEVENT),
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, KERNEL_GROUP))?;
    Ok(socket)
}

fn open_changes() -> rustix::io::Result<OwnedFd> {
    inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
}

/// Watches the directories that are there. One that is watched already stays so.
fn watch_directories(changes: &OwnedFd, directories: &[String]) -> rustix::io::Result<()> {
    let events = inotify::WatchFlags::CREATE
        | inotify::WatchFlags::DELETE
        | inotify::WatchFlags::MOVED_TO
        | inotify::WatchFlags::MOVED_FROM;
    for directory in directories {
        match inotify::add_watch(changes, directory.as_str(), events) {
            Ok(_) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

struct Sources {
    uevents: Option<OwnedFd>,
    changes: Option<OwnedFd>,
    subjects: Vec<String>,
    directories: Vec<String>,
}

impl Sources {
    /// One of the two is enough: a device node comes with a uevent of its own.
    fn new(
        uevents: rustix::io::Result<OwnedFd>,
        changes: rustix::io::Result<OwnedFd>,
        subjects: Vec<String>,
        directories: Vec<String>,
    ) -> rustix::io::Result<Self> {
        let uevents = uevents.ok();
        let changes = match changes {
            Err(errno) if uevents.is_none() => return Err(errno),
            changes => changes.ok(),
        };
        Ok(Self {
            uevents,
            changes,
            subjects,
            directories,
        })
    }

    /// Takes all events; whether one of them is of interest.
    fn drain(&self) -> bool {
        let mut changed = false;
        if let Some(changes) = &self.changes
            && drain_changes(changes)
        {
            changed = true;
            // A directory that has just been made. Whoever looks does so after this,
            // so nothing is missed; a failure leaves the uevents.
            let _ = watch_directories(changes, &self.directories);
        }
        if let Some(uevents) = &self.uevents {
            changed |= drain_uevents(uevents, &self.subjects);
        }
        changed
    }
}

fn watch(sources: &Sources, stop: &Stop, on_change: &OnChange) {
    let waited: Vec<_> = [sources.changes.as_ref(), sources.uevents.as_ref()]
        .into_iter()
        .flatten()
        .map(|fd| (fd.as_fd(), PollFlags::IN))
        .collect();
    while let Ok(Wake::Ready(_)) = stop.wait(&waited) {
        if sources.drain() {
            on_change.tell();
        }
    }
}

fn drain_changes(changes: &OwnedFd) -> bool {
    let mut buffer = [0; 4096];
    let mut changed = false;
    loop {
        match read(changes, &mut buffer) {
            Ok(count) if count > 0 => changed = true,
            Err(Errno::INTR) => {}
            _ => return changed,
        }
    }
}

fn drain_uevents(uevents: &OwnedFd, subjects: &[String]) -> bool {
    let mut buffer = [0; UEVENT_BYTES];
    let mut changed = false;
    loop {
        match recv(uevents, &mut buffer, RecvFlags::DONTWAIT) {
            Ok((_, count)) => {
                let text = String::from_utf8_lossy(&buffer[..count.min(UEVENT_BYTES)]);
                changed |= subjects
                    .iter()
                    .any(|subject| text.contains(subject.as_str()));
            }
            // Events were lost: look again.
            Err(Errno::NOBUFS) => changed = true,
            Err(Errno::INTR) => {}
            Err(_) => return changed,
        }
    }
}

#[cfg(test)]
#[path = "device_watch_tests.rs"]
mod tests;
