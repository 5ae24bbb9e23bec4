use super::*;
use rustix::io::write;
use rustix::net::socketpair;
use std::fs::{create_dir, create_dir_all, remove_dir_all, write as write_file};
use std::path::PathBuf;

/// A directory that is removed at the end of a test.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hvguest-{}-{name}", std::process::id()));
        create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn below(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        remove_dir_all(&self.0).expect("removed");
    }
}

fn subjects() -> Vec<String> {
    vec!["vmbus".to_owned(), "/uio/".to_owned()]
}

/// Sources without uevents, and with a socket in the place of netlink's.
fn sources(directories: Vec<String>) -> (Sources, OwnedFd) {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (near, kernel) =
        socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).expect("socketpair");
    let changes = open_changes().expect("inotify");
    watch_directories(&changes, &directories).expect("watched");
    let sources = Sources::new(Ok(near), Ok(changes), subjects(), directories).expect("watched");
    (sources, kernel)
}

#[test]
fn a_new_and_a_removed_entry_are_changes() {
    let place = Place::new("entry");
    let (sources, _kernel) = sources(vec![place.below("")]);
    assert!(!sources.drain());
    write_file(place.below("hv_kvp"), "").expect("written");
    assert!(sources.drain());
    assert!(!sources.drain());
    std::fs::remove_file(place.below("hv_kvp")).expect("removed");
    assert!(sources.drain());
}

#[test]
fn what_happens_in_a_file_is_no_change() {
    let place = Place::new("file");
    write_file(place.below("hv_kvp"), "").expect("written");
    let (sources, _kernel) = sources(vec![place.below("")]);
    write_file(place.below("hv_kvp"), "text").expect("written");
    assert!(!sources.drain());
}

#[test]
fn a_directory_that_is_made_later_is_watched_too() {
    let place = Place::new("later");
    let (sources, _kernel) = sources(vec![place.below(""), place.below("vmbus")]);
    create_dir(place.below("vmbus")).expect("made");
    assert!(sources.drain());
    write_file(place.below("vmbus/hv_kvp"), "").expect("written");
    assert!(sources.drain());
}

#[test]
fn a_uevent_about_a_subject_is_a_change_and_others_are_not() {
    let (sources, kernel) = sources(vec![]);
    write(
        &kernel,
        b"add@/devices/pci0000:00/0000:00:02.0/usb1\0ACTION=add",
    )
    .expect("sent");
    assert!(!sources.drain());
    write(&kernel, b"change@/devices/x\0ACTION=change").expect("sent");
    write(
        &kernel,
        b"add@/devices/virtual/misc/vmbus!hv_kvp\0ACTION=add",
    )
    .expect("sent");
    assert!(sources.drain());
    assert!(!sources.drain());
}

#[test]
fn without_inotify_uevents_are_still_changes() {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (near, kernel) =
        socketpair(AddressFamily::UNIX, SocketType::DGRAM, flags, None).expect("socketpair");
    let sources = Sources::new(Ok(near), Err(Errno::MFILE), subjects(), vec![]).expect("watched");
    write(&kernel, b"add@/devices/virtual/misc/vmbus!hv_kvp").expect("sent");
    assert!(sources.drain());
    assert!(!sources.drain());
}

#[test]
fn without_netlink_directories_are_still_watched_and_without_both_nothing_is() {
    let place = Place::new("alone");
    let directories = vec![place.below("")];
    let changes = open_changes().expect("inotify");
    watch_directories(&changes, &directories).expect("watched");
    let sources = Sources::new(Err(Errno::PERM), Ok(changes), subjects(), directories);
    write_file(place.below("hv_kvp"), "").expect("written");
    assert!(sources.expect("watched").drain());
    let neither = Sources::new(Err(Errno::PERM), Err(Errno::MFILE), subjects(), vec![]);
    assert_eq!(neither.err(), Some(Errno::MFILE));
}

#[test]
fn a_uevent_that_is_not_text_is_passed_over() {
    let (sources, kernel) = sources(vec![]);
    write(&kernel, &[0xff; 100]).expect("sent");
    assert!(!sources.drain());
}
