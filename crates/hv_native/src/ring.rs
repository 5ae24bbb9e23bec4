//! One VMBus ring: packets of `struct vmpacket_descriptor` between two ends
//! that share memory (drivers/hv/ring_buffer.c).
//!
//! The other end is trusted to speak, not to be well-formed: indices and
//! lengths are checked against local copies, and a packet is copied out before
//! anything looks at it. What is wrong is a [`Fault`], after which the channel
//! has to be opened anew.

use crate::ring_memory::RingMemory;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// `VM_PKT_DATA_INBAND`: the only kind of packet that carries messages.
pub const DATA_INBAND: u16 = 6;

// Words of the header page.
const WRITE_INDEX: usize = 0;
const READ_INDEX: usize = 1;
const INTERRUPT_MASK: usize = 2;
const PENDING_SEND_SIZE: usize = 3;

const DESCRIPTOR_BYTES: usize = 16;
const TRAILER_BYTES: usize = 8;
const WORD: usize = 8;

/// What the other end has left in the ring cannot be a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An index is beyond the data area or between words.
    Index {
        /// `write` or `read`.
        name: &'static str,
        /// What the header says.
        value: u32,
        /// The size of the data area.
        size: usize,
    },
    /// A descriptor does not fit into what was written.
    Packet {
        /// Where its body begins, in bytes.
        offset: usize,
        /// Its length without the trailer, in bytes.
        length: usize,
        /// Bytes in the ring.
        available: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { name, value, size } => {
                write!(
                    out,
                    "the {name} index is {value}, the ring has {size} bytes"
                )
            }
            Self::Packet {
                offset,
                length,
                available,
            } => write!(
                out,
                "a packet of {length} bytes with its body at {offset}, the ring holds {available}"
            ),
        }
    }
}

/// What a packet says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// [`DATA_INBAND`] or another `VM_PKT_` kind.
    pub kind: u16,
    /// The sender's number for the transaction.
    pub transaction: u64,
}

fn checked_index(
    word: &AtomicU32,
    name: &'static str,
    size: usize,
    order: Ordering,
) -> Result<usize, Fault> {
    let value = word.load(order);
    let index = value as usize;
    if index < size && index.is_multiple_of(WORD) {
        return Ok(index);
    }
    Err(Fault::Index { name, value, size })
}

fn size_of_data(memory: &impl RingMemory) -> usize {
    memory.data().len() * WORD
}

/// The words from `index` on, in the two parts before and after the ring's end.
fn parts(data: &[AtomicU64], index: usize, bytes: usize) -> (&[AtomicU64], &[AtomicU64]) {
    let (start, count) = (index / WORD, bytes.div_ceil(WORD));
    let before = count.min(data.len() - start);
    (&data[start..start + before], &data[..count - before])
}

/// Copies from the data area at `index` on, going round at its end.
fn copy_out(memory: &impl RingMemory, index: usize, target: &mut [u8]) {
    let (before, after) = parts(memory.data(), index, target.len());
    let (first, second) = target.split_at_mut(target.len().min(before.len() * WORD));
    copy_words_out(before, first);
    copy_words_out(after, second);
}

/// Copies whole words; all that is read has a length of whole words.
fn copy_words_out(words: &[AtomicU64], target: &mut [u8]) {
    for (word, bytes) in words.iter().zip(target.chunks_exact_mut(WORD)) {
        bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
    }
}

/// Copies into the data area, the last word padded with zeros; gives the index behind.
fn copy_in(memory: &impl RingMemory, index: usize, source: &[u8]) -> usize {
    let data = memory.data();
    let (before, after) = parts(data, index, source.len());
    let (first, second) = source.split_at(source.len().min(before.len() * WORD));
    copy_words_in(before, first);
    copy_words_in(after, second);
    (index + source.len().next_multiple_of(WORD)) % (data.len() * WORD)
}

fn copy_words_in(words: &[AtomicU64], source: &[u8]) {
    let (whole, rest) = source.as_chunks::<WORD>();
    for (word, bytes) in words.iter().zip(whole) {
        word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
    }
    if !rest.is_empty() {
        let mut bytes = [0; WORD];
        bytes[..rest.len()].copy_from_slice(rest);
        words[whole.len()].store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
    }
}

/// The reading end.
pub struct Receiver<M> {
    memory: M,
    // Ours alone: what the other end writes over the shared copy is not believed.
    read_index: usize,
}

impl<M: RingMemory> Receiver<M> {
    /// Goes on where the ring's read index stands.
    ///
    /// # Errors
    /// [`Fault::Index`].
    pub fn new(memory: M) -> Result<Self, Fault> {
        let size = size_of_data(&memory);
        let read_index = checked_index(
            &memory.header()[READ_INDEX],
            "read",
            size,
            Ordering::Relaxed,
        )?;
        Ok(Self { memory, read_index })
    }

    /// Takes the next packet out of the ring: its body replaces the contents of
    /// `body`. `None` when the ring is empty.
    ///
    /// # Errors
    /// The ring is corrupt; it stays so.
    pub fn receive(&mut self, body: &mut Vec<u8>) -> Result<Option<Descriptor>, Fault> {
        let available = self.available()?;
        if available == 0 {
            return Ok(None);
        }
        let mut head = [0; DESCRIPTOR_BYTES];
        if available >= DESCRIPTOR_BYTES + TRAILER_BYTES {
            copy_out(&self.memory, self.read_index, &mut head);
        }
        let [k0, k1, o0, o1, l0, l1, _, _, transaction @ ..] = head;
        let offset = usize::from(u16::from_le_bytes([o0, o1])) * WORD;
        let length = usize::from(u16::from_le_bytes([l0, l1])) * WORD;
        // A head that does not fit has stayed zero and fails here as well.
        if offset < DESCRIPTOR_BYTES || offset > length || length + TRAILER_BYTES > available {
            return Err(Fault::Packet {
                offset,
                length,
                available,
            });
        }
        body.resize(length - offset, 0);
        copy_out(&self.memory, self.advanced(offset), body);
        self.read_index = self.advanced(length + TRAILER_BYTES);
        // Release: the copies above come before the other end sees the space.
        // The index fits: it is less than the size, which a u32 index has to reach.
        self.memory.header()[READ_INDEX].store(self.read_index as u32, Ordering::Release);
        Ok(Some(Descriptor {
            kind: u16::from_le_bytes([k0, k1]),
            transaction: u64::from_le_bytes(transaction),
        }))
    }

    /// Whether nothing is there to receive.
    ///
    /// # Errors
    /// [`Fault::Index`].
    pub fn is_empty(&self) -> Result<bool, Fault> {
        Ok(self.available()? == 0)
    }

    /// Asks the other end for no signals, or for signals again. After asking
    /// again the ring has to be looked at once more: what came before is not told.
    pub fn mask(&self, masked: bool) {
        self.memory.header()[INTERRUPT_MASK].store(u32::from(masked), Ordering::Relaxed);
        // The other end tests the mask after it has moved its index.
        fence(Ordering::SeqCst);
    }

    /// Whether the other end waits for space and so for a signal.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        fence(Ordering::SeqCst);
        self.memory.header()[PENDING_SEND_SIZE].load(Ordering::Relaxed) != 0
    }

    fn available(&self) -> Result<usize, Fault> {
        let size = size_of_data(&self.memory);
        // Acquire: what was written before the index moved is seen after.
        let word = &self.memory.header()[WRITE_INDEX];
        let write_index = checked_index(word, "write", size, Ordering::Acquire)?;
        Ok((write_index + size - self.read_index) % size)
    }

    fn advanced(&self, bytes: usize) -> usize {
        (self.read_index + bytes) % size_of_data(&self.memory)
    }
}

/// What became of a packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is in the ring, and the other end looks without being signalled.
    Quietly,
    /// It is in the ring, and the other end has to be signalled.
    NeedsSignal,
    /// It does not fit now; the other end was asked to signal when it does.
    Full,
    /// It does not fit into the ring at all.
    TooLarge,
}

/// The writing end.
pub struct Sender<M> {
    memory: M,
    write_index: usize,
}

impl<M: RingMemory> Sender<M> {
    /// Goes on where the ring's write index stands.
    ///
    /// # Errors
    /// [`Fault::Index`].
    pub fn new(memory: M) -> Result<Self, Fault> {
        let size = size_of_data(&memory);
        let write_index = checked_index(
            &memory.header()[WRITE_INDEX],
            "write",
            size,
            Ordering::Relaxed,
        )?;
        Ok(Self {
            memory,
            write_index,
        })
    }

    /// Puts a packet with `body` into the ring.
    ///
    /// # Errors
    /// [`Fault::Index`]: the other end's read index.
    pub fn send(&mut self, descriptor: Descriptor, body: &[u8]) -> Result<Sent, Fault> {
        let size = size_of_data(&self.memory);
        let length = DESCRIPTOR_BYTES + body.len().next_multiple_of(WORD);
        let needed = length + TRAILER_BYTES;
        let Ok(length8) = u16::try_from(length / WORD) else {
            return Ok(Sent::TooLarge);
        };
        // A ring is never filled: full would look like empty.
        if needed >= size {
            return Ok(Sent::TooLarge);
        }
        if self.free()? <= needed {
            let pending = &self.memory.header()[PENDING_SEND_SIZE];
            pending.store(needed as u32 + 1, Ordering::Relaxed);
            // The other end tests this word after it has moved its index.
            fence(Ordering::SeqCst);
            if self.free()? <= needed {
                return Ok(Sent::Full);
            }
        }
        self.memory.header()[PENDING_SEND_SIZE].store(0, Ordering::Relaxed);

        let mut head = [0; DESCRIPTOR_BYTES];
        head[..2].copy_from_slice(&descriptor.kind.to_le_bytes());
        head[2..4].copy_from_slice(&2u16.to_le_bytes()); // the body follows the descriptor
        head[4..6].copy_from_slice(&length8.to_le_bytes());
        head[8..].copy_from_slice(&descriptor.transaction.to_le_bytes());
        let old_index = self.write_index;
        let index = copy_in(&self.memory, old_index, &head);
        let index = copy_in(&self.memory, index, body);
        let trailer = (old_index as u64) << 32;
        self.write_index = copy_in(&self.memory, index, &trailer.to_le_bytes());
        // Release: the packet is there before the index says so.
        self.memory.header()[WRITE_INDEX].store(self.write_index as u32, Ordering::Release);
        Ok(self.signal_for(old_index))
    }

    /// hv_signal_on_write(): a signal is due when the ring was empty and the
    /// other end has not masked signals.
    fn signal_for(&self, old_index: usize) -> Sent {
        // Full: the write index must be out before the mask and the read index
        // are looked at, or both ends could wait for each other.
        fence(Ordering::SeqCst);
        let header = self.memory.header();
        let masked = header[INTERRUPT_MASK].load(Ordering::Relaxed) != 0;
        let was_empty = header[READ_INDEX].load(Ordering::Acquire) as usize == old_index;
        if !masked && was_empty {
            Sent::NeedsSignal
        } else {
            Sent::Quietly
        }
    }

    fn free(&self) -> Result<usize, Fault> {
        let size = size_of_data(&self.memory);
        // Acquire: the other end has copied out before it gave the space back.
        let word = &self.memory.header()[READ_INDEX];
        let read_index = checked_index(word, "read", size, Ordering::Acquire)?;
        Ok(size - (self.write_index + size - read_index) % size)
    }
}

#[cfg(test)]
#[path = "ring_tests.rs"]
mod tests;
