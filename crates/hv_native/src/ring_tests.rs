use super::{DATA_INBAND, Descriptor, Fault, Receiver, Sender, Sent};
use crate::ring_memory::{HeapRing, RingMemory};
use std::sync::atomic::Ordering::Relaxed;

const SIZE: usize = 256;
const WRITE_INDEX: usize = 0;
const READ_INDEX: usize = 1;
const INTERRUPT_MASK: usize = 2;
const PENDING_SEND_SIZE: usize = 3;

fn descriptor(transaction: u64) -> Descriptor {
    Descriptor {
        kind: DATA_INBAND,
        transaction,
    }
}

fn pattern(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|index| (index as u8).wrapping_mul(31) ^ seed)
        .collect()
}

/// A ring whose indices both stand at `offset`.
fn ring_at(offset: usize) -> HeapRing {
    let ring = HeapRing::new(SIZE);
    ring.header()[WRITE_INDEX].store(offset as u32, Relaxed);
    ring.header()[READ_INDEX].store(offset as u32, Relaxed);
    ring
}

/// A ring at 0 that holds a packet of `length` bytes, trailer included.
fn ring_with_packet(head: [u8; 16], length: usize) -> HeapRing {
    let ring = HeapRing::new(SIZE);
    for (word, bytes) in head.chunks_exact(8).enumerate() {
        ring.data()[word].store(u64::from_le_bytes(bytes.try_into().unwrap()), Relaxed);
    }
    ring.header()[WRITE_INDEX].store(length as u32, Relaxed);
    ring
}

fn head(kind: u16, offset8: u16, length8: u16) -> [u8; 16] {
    let mut head = [0; 16];
    head[..2].copy_from_slice(&kind.to_le_bytes());
    head[2..4].copy_from_slice(&offset8.to_le_bytes());
    head[4..6].copy_from_slice(&length8.to_le_bytes());
    head
}

fn receive(ring: &HeapRing) -> Result<Option<(Descriptor, Vec<u8>)>, Fault> {
    let mut body = vec![0xee; 7];
    let packet = Receiver::new(ring.clone())?.receive(&mut body)?;
    Ok(packet.map(|descriptor| (descriptor, body)))
}

#[test]
fn a_packet_arrives_whole_from_every_offset() {
    for offset in (0..SIZE).step_by(8) {
        for length in [0, 1, 7, 8, 9, 100, 200] {
            let ring = ring_at(offset);
            let sent = pattern(length, offset as u8);
            let mut sender = Sender::new(ring.clone()).unwrap();
            assert_eq!(
                sender.send(descriptor(0x0123_4567_89ab_cdef), &sent),
                Ok(Sent::NeedsSignal)
            );
            let (descriptor, body) = receive(&ring).unwrap().unwrap();
            assert_eq!(descriptor.transaction, 0x0123_4567_89ab_cdef);
            assert_eq!(&body[..length], sent, "offset {offset}, length {length}");
            assert_eq!(body.len(), length.next_multiple_of(8));
            assert!(body[length..].iter().all(|byte| *byte == 0));
            assert_eq!(receive(&ring), Ok(None));
        }
    }
}

#[test]
fn the_trailer_says_where_the_packet_began() {
    let ring = ring_at(40);
    Sender::new(ring.clone())
        .unwrap()
        .send(descriptor(1), &[1; 8])
        .unwrap();
    assert_eq!(ring.data()[(40 + 24) / 8].load(Relaxed), 40 << 32);
    assert_eq!(ring.header()[WRITE_INDEX].load(Relaxed), 40 + 32);
}

#[test]
fn a_body_may_begin_behind_a_longer_descriptor() {
    let ring = ring_with_packet(head(DATA_INBAND, 4, 6), 56);
    for word in 2..6 {
        ring.data()[word].store(word as u64, Relaxed);
    }
    let (_, body) = receive(&ring).unwrap().unwrap();
    assert_eq!(
        body,
        [[4, 0, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 0]].concat()
    );
}

#[test]
fn an_index_out_of_range_or_between_words_is_a_fault() {
    for (word, name) in [(WRITE_INDEX, "write"), (READ_INDEX, "read")] {
        for value in [
            1,
            4,
            7,
            12,
            SIZE as u32,
            SIZE as u32 + 8,
            u32::MAX,
            u32::MAX - 7,
        ] {
            let fault = Fault::Index {
                name,
                value,
                size: SIZE,
            };
            let ring = HeapRing::new(SIZE);
            ring.header()[word].store(value, Relaxed);
            assert_eq!(receive(&ring), Err(fault));

            let ring = HeapRing::new(SIZE);
            let mut receiver = Receiver::new(ring.clone()).unwrap();
            let mut sender = Sender::new(ring.clone()).unwrap();
            ring.header()[word].store(value, Relaxed);
            match word {
                WRITE_INDEX => assert_eq!(receiver.receive(&mut Vec::new()), Err(fault)),
                _ => assert_eq!(sender.send(descriptor(1), &[]), Err(fault)),
            }
        }
    }
}

#[test]
fn a_receiver_does_not_believe_a_read_index_that_the_other_end_has_changed() {
    let ring = HeapRing::new(SIZE);
    let mut receiver = Receiver::new(ring.clone()).unwrap();
    let mut sender = Sender::new(ring.clone()).unwrap();
    sender.send(descriptor(1), &pattern(16, 1)).unwrap();
    ring.header()[READ_INDEX].store(24, Relaxed);
    let mut body = Vec::new();
    assert_eq!(receiver.receive(&mut body), Ok(Some(descriptor(1))));
    assert_eq!(body, pattern(16, 1));
    assert_eq!(ring.header()[READ_INDEX].load(Relaxed), 40);
}

#[test]
fn every_wrong_descriptor_is_a_fault() {
    for (offset8, length8, available) in [
        (2, 2, 8),          // no room for a descriptor
        (2, 2, 16),         // no trailer
        (0, 4, 48),         // body within the descriptor
        (1, 4, 48),         // the same
        (5, 4, 48),         // body behind the end
        (u16::MAX, 4, 48),  // far behind the end
        (2, 0, 48),         // no length
        (2, 1, 48),         // shorter than a descriptor
        (2, 6, 48),         // longer than what was written, by the trailer
        (2, 100, 48),       // much longer
        (2, u16::MAX, 248), // longer than the ring
        (u16::MAX, u16::MAX, 248),
    ] {
        let ring = ring_with_packet(head(DATA_INBAND, offset8, length8), available);
        assert!(
            matches!(receive(&ring), Err(Fault::Packet { available: a, .. }) if a == available),
            "offset8 {offset8}, length8 {length8}, {available} available"
        );
        assert_eq!(ring.header()[READ_INDEX].load(Relaxed), 0);
    }
}

#[test]
fn a_fault_is_told_in_words() {
    let ring = ring_with_packet(head(DATA_INBAND, 2, 100), 48);
    assert_eq!(
        receive(&ring).unwrap_err().to_string(),
        "a packet of 800 bytes with its body at 16, the ring holds 48"
    );
}

#[test]
fn a_ring_is_never_filled() {
    let ring = HeapRing::new(SIZE);
    let mut sender = Sender::new(ring.clone()).unwrap();
    assert_eq!(
        sender.send(descriptor(1), &[0; SIZE - 24]),
        Ok(Sent::TooLarge)
    );
    assert_eq!(
        sender.send(descriptor(1), &[0; SIZE * 3]),
        Ok(Sent::TooLarge)
    );
    assert_eq!(
        sender.send(descriptor(1), &[0; 1 << 20]),
        Ok(Sent::TooLarge)
    );
    assert_eq!(
        sender.send(descriptor(1), &[0; SIZE - 32]),
        Ok(Sent::NeedsSignal)
    );
    assert_eq!(sender.send(descriptor(1), &[]), Ok(Sent::Full));
    assert_eq!(ring.header()[PENDING_SEND_SIZE].load(Relaxed), 25);
    let mut receiver = Receiver::new(ring.clone()).unwrap();
    receiver.receive(&mut Vec::new()).unwrap().unwrap();
    assert!(receiver.is_awaited());
    assert_eq!(sender.send(descriptor(1), &[]), Ok(Sent::NeedsSignal));
    assert!(!receiver.is_awaited());
}

#[test]
fn the_other_end_is_signalled_only_when_it_may_be_asleep() {
    let ring = HeapRing::new(SIZE);
    let mut sender = Sender::new(ring.clone()).unwrap();
    let mut receiver = Receiver::new(ring.clone()).unwrap();
    assert_eq!(sender.send(descriptor(1), &[1]), Ok(Sent::NeedsSignal));
    assert_eq!(sender.send(descriptor(2), &[2]), Ok(Sent::Quietly));
    let mut body = Vec::new();
    while receiver.receive(&mut body).unwrap().is_some() {}
    receiver.mask(true);
    assert_eq!(ring.header()[INTERRUPT_MASK].load(Relaxed), 1);
    assert_eq!(sender.send(descriptor(3), &[3]), Ok(Sent::Quietly));
    receiver.mask(false);
    assert_eq!(receiver.is_empty(), Ok(false));
}

/// Xorshift: the same numbers for the same seed everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

fn seed() -> u64 {
    let given = std::env::var("TEST_SEED")
        .ok()
        .and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_nanos() as u64 | 1
    });
    println!("TEST_SEED={seed}");
    seed
}

#[test]
fn packets_of_any_size_arrive_in_order_and_unchanged() {
    let mut random = Random(seed());
    for _ in 0..50 {
        let size = 64 + 8 * random.next(64);
        let ring = HeapRing::new(size);
        let mut sender = Sender::new(ring.clone()).unwrap();
        let mut receiver = Receiver::new(ring).unwrap();
        let mut expected = std::collections::VecDeque::new();
        let mut body = Vec::new();
        for number in 0..400 {
            if random.next(2) == 0 {
                let sent = pattern(random.next(size), number as u8);
                match sender.send(descriptor(number), &sent).unwrap() {
                    Sent::Quietly | Sent::NeedsSignal => expected.push_back((number, sent)),
                    Sent::Full => assert!(!expected.is_empty()),
                    Sent::TooLarge => assert!(sent.len() + 24 > size - 8),
                }
            } else {
                match (receiver.receive(&mut body).unwrap(), expected.pop_front()) {
                    (None, None) => {}
                    (Some(descriptor), Some((number, sent))) => {
                        assert_eq!(descriptor.transaction, number);
                        assert_eq!(&body[..sent.len()], sent);
                    }
                    other => panic!("received {other:?}"),
                }
            }
        }
    }
}

#[test]
fn garbage_is_a_packet_within_the_ring_or_a_fault() {
    let mut random = Random(seed());
    for _ in 0..20_000 {
        let ring = HeapRing::new(SIZE);
        for word in ring.data() {
            // Small numbers as well, which make descriptors that nearly fit.
            let value = random.next(usize::MAX) as u64;
            let small = value & 0x0000_003f_0007_000f;
            word.store(if random.next(2) == 0 { small } else { value }, Relaxed);
        }
        ring.header()[WRITE_INDEX].store((8 * random.next(SIZE / 8 + 2)) as u32, Relaxed);
        ring.header()[READ_INDEX].store((8 * random.next(SIZE / 8 + 2)) as u32, Relaxed);
        let Ok(mut receiver) = Receiver::new(ring) else {
            continue;
        };
        let mut body = Vec::new();
        let mut bytes = 0;
        while let Ok(Some(_)) = receiver.receive(&mut body) {
            bytes += body.len() + 24;
            assert!(bytes <= SIZE);
        }
    }
}

#[test]
fn two_threads_lose_no_packet_and_no_signal() {
    const PACKETS: u64 = if cfg!(miri) { 200 } else { 50_000 };
    let ring = HeapRing::new(SIZE);
    let (signal, signalled) = std::sync::mpsc::channel();
    let mut sender = Sender::new(ring.clone()).unwrap();
    let mut receiver = Receiver::new(ring).unwrap();
    let writer = std::thread::spawn(move || {
        for number in 0..PACKETS {
            let body = pattern((number % 90) as usize, number as u8);
            loop {
                match sender.send(descriptor(number), &body).unwrap() {
                    Sent::NeedsSignal => {
                        signal.send(()).unwrap();
                        break;
                    }
                    Sent::Quietly => break,
                    Sent::Full => std::thread::yield_now(),
                    Sent::TooLarge => unreachable!(),
                }
            }
        }
    });
    let mut body = Vec::new();
    let mut next = 0;
    while next < PACKETS {
        match receiver.receive(&mut body).unwrap() {
            Some(descriptor) => {
                assert_eq!(descriptor.transaction, next);
                let sent = pattern((next % 90) as usize, next as u8);
                assert_eq!(&body[..sent.len()], sent);
                next += 1;
                receiver.mask(next % 3 == 0);
            }
            None => {
                receiver.mask(false);
                if receiver.is_empty().unwrap() {
                    signalled.recv().unwrap();
                }
            }
        }
    }
    writer.join().unwrap();
}
