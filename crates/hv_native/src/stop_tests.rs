use super::*;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::time::Duration;

fn pair() -> (OwnedFd, OwnedFd) {
    let (flags, kind) = (SocketFlags::CLOEXEC, SocketType::SEQPACKET);
    socketpair(AddressFamily::UNIX, kind, flags, None).expect("socketpair")
}

/// Whether a wait on nothing else returns for the stop.
fn stopped(stop: &Stop) -> bool {
    matches!(stop.wait(&[]), Ok(Wake::Stopped))
}

#[test]
fn a_request_wakes_every_wait_that_follows() {
    let stop = Stop::new().expect("eventfd");
    stop.request();
    assert!(stopped(&stop));
    assert!(stopped(&stop));
}

#[test]
fn a_request_wakes_a_wait_of_another_thread() {
    let stop = Stop::new().expect("eventfd");
    let waiting = std::thread::spawn({
        let stop = stop.clone();
        move || stopped(&stop)
    });
    std::thread::sleep(Duration::from_millis(1));
    stop.request();
    assert!(waiting.join().expect("no panic"));
}

#[test]
fn requests_without_end_do_not_block() {
    let stop = Stop::new().expect("eventfd");
    for _ in 0..1000 {
        stop.request();
    }
    assert!(stopped(&stop));
}

#[test]
fn the_events_of_each_descriptor_come_in_order() {
    let stop = Stop::new().expect("eventfd");
    let (quiet, _quiet_end) = pair();
    let (ready, ready_end) = pair();
    write(&ready_end, b"x").expect("write");
    let waited = [
        (quiet.as_fd(), PollFlags::IN),
        (ready.as_fd(), PollFlags::IN),
    ];
    let Ok(Wake::Ready(events)) = stop.wait(&waited) else {
        panic!("stopped");
    };
    assert_eq!(events, [PollFlags::empty(), PollFlags::IN]);
}

#[test]
fn a_stop_goes_before_what_is_ready() {
    let stop = Stop::new().expect("eventfd");
    let (ready, ready_end) = pair();
    write(&ready_end, b"x").expect("write");
    stop.request();
    assert!(matches!(
        stop.wait(&[(ready.as_fd(), PollFlags::IN)]),
        Ok(Wake::Stopped)
    ));
}

#[test]
fn a_hang_up_is_told_without_being_asked_for() {
    let stop = Stop::new().expect("eventfd");
    let (near, far) = pair();
    drop(far);
    let Ok(Wake::Ready(events)) = stop.wait(&[(near.as_fd(), PollFlags::empty())]) else {
        panic!("stopped");
    };
    assert!(events[0].contains(PollFlags::HUP));
}
