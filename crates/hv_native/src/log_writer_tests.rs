use super::*;
use rustix::fd::AsFd;
use std::io::{Read, pipe};

const SOON: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(60);

#[test]
fn lines_come_in_order() {
    let shared = Shared::default();
    shared.put("first\n".to_owned());
    shared.put("second\n".to_owned());
    assert_eq!(shared.take(""), "first\n");
    assert_eq!(shared.take(""), "second\n");
}

#[test]
fn a_full_queue_drops_what_comes_and_says_so_behind_the_rest() {
    let shared = Shared::default();
    for number in 0..QUEUE_LINES + 3 {
        shared.put(format!("{number}\n"));
    }
    for number in 0..QUEUE_LINES {
        assert_eq!(shared.take(""), format!("{number}\n"));
    }
    assert_eq!(shared.take("<4>"), "<4>3 log lines were dropped\n");
    shared.put("next\n".to_owned());
    assert_eq!(shared.take("<4>"), "next\n");
}

#[test]
fn a_line_being_written_is_waited_for() {
    let shared = Shared::default();
    assert!(shared.wait_until_idle(SOON));
    shared.put("line\n".to_owned());
    assert!(!shared.wait_until_idle(SOON));
    shared.take("");
    assert!(!shared.wait_until_idle(SOON));
    shared.written();
    assert!(shared.wait_until_idle(SOON));
}

#[test]
fn who_waits_for_the_end_is_woken_by_it() {
    let shared = Arc::new(Shared::default());
    shared.put("line\n".to_owned());
    let waiting = std::thread::spawn({
        let shared = Arc::clone(&shared);
        move || shared.wait_until_idle(LONG)
    });
    shared.take("");
    shared.written();
    assert!(waiting.join().expect("no panic"));
}

#[test]
fn a_pipe_that_is_full_for_a_while_gets_every_byte() {
    let (mut reader, writer) = pipe().expect("pipe");
    rustix::io::ioctl_fionbio(&writer, true).expect("non-blocking");
    let line = vec![b'x'; 300_000];
    let written = std::thread::spawn({
        let line = line.clone();
        move || write_whole(writer.as_fd(), &line)
    });
    let mut read = Vec::new();
    reader.read_to_end(&mut read).expect("read");
    written.join().expect("no panic");
    assert_eq!(read.len(), line.len());
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let (reader, writer) = pipe().expect("pipe");
    drop(reader);
    write_whole(writer.as_fd(), b"line\n");
}
