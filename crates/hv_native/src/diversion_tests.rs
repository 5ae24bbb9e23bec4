use super::*;
use rustix::fs::{Mode, OFlags, open};

const POSITION: usize = 4;
const LENGTH: usize = 12;
const DATA: usize = 16;

/// A message: kind, u64 position, u32 length, data in 8 bytes.
fn message(kind: u32, position: u64, length: u32) -> Vec<u8> {
    let mut message = kind.to_le_bytes().to_vec();
    message.extend(position.to_le_bytes());
    message.extend(length.to_le_bytes());
    message.extend(b"abcdefgh");
    message
}

/// A diversion of messages of kind 1 into a file of 20 bytes, answered as they are
/// with kind 9.
fn diversion(file: OwnedFd) -> Diversion {
    let diversion = Diversion::default();
    diversion.lock().rule = Some(Arc::new(Rule {
        file,
        expect: vec![(0, 1u32.to_le_bytes().to_vec())],
        position_at: POSITION,
        length_at: LENGTH,
        data_at: DATA,
        most_bytes: 8,
        file_bytes: 20,
        answer: None,
        patches: vec![(0, vec![9])],
        patience: Duration::from_secs(3600),
        position: AtomicU64::new(0),
        failure: AtomicI32::new(0),
    }));
    diversion
}

fn nameless(flags: OFlags) -> OwnedFd {
    let directory = std::env::temp_dir();
    open(&directory, OFlags::TMPFILE | flags, Mode::RUSR).expect("a nameless file")
}

fn contents(file: &OwnedFd) -> Vec<u8> {
    let mut buffer = [0; 64];
    let count = rustix::io::pread(file, &mut buffer, 0).expect("a read");
    buffer[..count].to_vec()
}

/// Claims, answers and writes; false when it is not the rule's.
fn take(diversion: &Diversion, mut message: Vec<u8>) -> bool {
    let Some(claim) = diversion.claim(&message) else {
        return false;
    };
    assert_eq!(claim.answer(&mut message)[0], 9);
    assert!(claim.write(&message));
    true
}

#[test]
fn what_continues_is_answered_and_written() {
    let file = nameless(OFlags::RDWR);
    let diversion = diversion(file.try_clone().expect("a duplicate"));
    assert!(take(&diversion, message(1, 0, 8)));
    assert!(take(&diversion, message(1, 8, 3)));
    assert!(take(&diversion, message(1, 11, 0)));
    assert!(take(&diversion, message(1, 11, 8)));
    assert_eq!(diversion.position(), 19);
    assert_eq!(contents(&file), b"abcdefghabcabcdefgh");
}

#[test]
fn what_does_not_fit_the_rule_is_left_alone() {
    let file = nameless(OFlags::RDWR);
    let diversion = diversion(file.try_clone().expect("a duplicate"));
    assert!(take(&diversion, message(1, 0, 8)));
    for other in [
        message(2, 8, 8),
        message(1, 0, 8),
        message(1, 9, 8),
        message(1, u64::MAX, 8),
        message(1, 8, 9),
        message(1, 8, u32::MAX),
        message(1, 8, 8)[..20].to_vec(),
        message(1, 8, 8)[..14].to_vec(),
        Vec::new(),
    ] {
        assert!(!take(&diversion, other));
    }
    assert!(take(&diversion, message(1, 8, 8)));
    // Beyond the end of the file.
    assert!(!take(&diversion, message(1, 16, 5)));
    assert!(take(&diversion, message(1, 16, 4)));
    assert_eq!(contents(&file).len(), 20);
}

#[test]
fn after_a_failed_write_nothing_is_taken() {
    let file = nameless(OFlags::RDWR);
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
    let read_only = open(path.as_str(), OFlags::RDONLY, Mode::empty()).expect("the file");
    let diversion = diversion(read_only);
    assert!(take(&diversion, message(1, 0, 8)));
    assert_eq!(diversion.failure(), Errno::BADF.raw_os_error());
    assert_eq!(diversion.position(), 0);
    assert!(!take(&diversion, message(1, 0, 8)));
}

#[test]
fn a_closed_diversion_takes_nothing_and_knows_of_a_write_under_way() {
    let diversion = diversion(nameless(OFlags::RDWR));
    let message = message(1, 0, 8);
    let claim = diversion.claim(&message).expect("a claim");
    assert!(!diversion.close(Duration::from_millis(1)));
    drop(claim);
    assert!(diversion.close(Duration::from_millis(1)));
    assert!(diversion.claim(&message).is_none());
}
