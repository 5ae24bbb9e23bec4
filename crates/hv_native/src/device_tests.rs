//! A pair of sockets that keep messages apart stands for the device and its driver.

use super::*;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

struct Pair {
    device: OwnedFd,
    driver: OwnedFd,
    stop: Stop,
    buffer: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let kind = SocketType::SEQPACKET;
        let (device, driver) =
            socketpair(AddressFamily::UNIX, kind, flags, None).expect("socketpair");
        Self {
            device,
            driver,
            stop: Stop::new().expect("eventfd"),
            buffer: vec![0; 64],
        }
    }

    fn send(&self, message: &[u8]) {
        assert_eq!(write(&self.driver, message), Ok(message.len()));
    }

    fn next(&mut self) -> std::result::Result<Vec<u8>, Option<i32>> {
        next_message(&self.device, &self.stop, &mut self.buffer)?;
        Ok(self.buffer.clone())
    }
}

#[test]
fn messages_come_whole_and_in_order() {
    let mut pair = Pair::new();
    pair.send(b"first");
    pair.send(b"2");
    pair.send(b"third");
    assert_eq!(pair.next(), Ok(b"first".to_vec()));
    assert_eq!(pair.next(), Ok(b"2".to_vec()));
    assert_eq!(pair.next(), Ok(b"third".to_vec()));
}

#[test]
fn a_short_message_does_not_make_the_buffer_shorter() {
    let mut pair = Pair::new();
    pair.send(b"1");
    assert_eq!(pair.next(), Ok(b"1".to_vec()));
    pair.send(&[7; 64]);
    assert_eq!(pair.next(), Ok(vec![7; 64]));
}

#[test]
fn a_stop_ends_the_wait() {
    let mut pair = Pair::new();
    pair.stop.request();
    assert_eq!(pair.next(), Err(None));
}

#[test]
fn a_device_that_hangs_up_has_nothing_more_to_say() {
    let mut pair = Pair::new();
    pair.send(b"unread");
    pair.driver = Pair::new().driver;
    assert_eq!(pair.next(), Err(Some(0)));
}

#[test]
fn an_empty_read_is_the_end() {
    let mut pair = Pair::new();
    pair.device = open("/dev/null", OFlags::RDONLY, Mode::empty()).expect("open");
    assert_eq!(pair.next(), Err(Some(0)));
}

#[test]
fn a_refused_read_is_told_by_its_errno() {
    let mut pair = Pair::new();
    pair.device = open("/dev/null", OFlags::WRONLY, Mode::empty()).expect("open");
    assert_eq!(pair.next(), Err(Some(Errno::BADF.raw_os_error())));
}

#[test]
fn a_message_is_written_whole() {
    let pair = Pair::new();
    write_message(&pair.device, b"hello").expect("written");
    let mut buffer = [0; 64];
    assert_eq!(read(&pair.driver, &mut buffer), Ok(5));
    assert_eq!(&buffer[..5], b"hello");
}

#[test]
fn a_write_that_the_driver_refuses_is_told_by_its_errno() {
    let mut pair = Pair::new();
    pair.driver = Pair::new().driver;
    assert_eq!(write_message(&pair.device, b"x"), Err(Errno::PIPE));
}

#[test]
fn a_closed_descriptor_is_closed_for_everybody() {
    let pair = Pair::new();
    let shared: Shared = Arc::new(Mutex::new(Some(Arc::new(pair.device))));
    let held = current(&shared).expect("open");
    close(&shared);
    assert!(current(&shared).is_none());
    // The last holder closes it.
    drop(held);
    assert_eq!(write(&pair.driver, b"x"), Err(Errno::PIPE));
}
