//! What the agent and its guard process say to each other: one datagram each,
//! with descriptors attached.

use rustix::cmsg_space;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSlice, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use std::mem::MaybeUninit;

/// Descriptors in one datagram; the kernel's limit is 253 (`SCM_MAX_FD`).
pub const DESCRIPTORS_PER_MESSAGE: usize = 250;
const BYTES: usize = 8;

/// A request of the agent or the answer of the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A freeze begins: `value` is the deadline in milliseconds; attached are the
    /// marker and descriptors to thaw.
    Begin = 1,
    /// More descriptors to thaw are attached.
    Hold = 2,
    /// Thaw what the agent has frozen. The results are in the shared table.
    Thaw = 7,
    /// Everything is thawed: forget the descriptors.
    Release = 3,
    /// The answer of success; `value` is the number of descriptors held.
    Done = 4,
    /// The answer to `Release` after the deadline: the guard has thawed; `value`
    /// is the last errno of that, or 0.
    Expired = 5,
    /// The answer of failure; `value` is the errno.
    Failed = 6,
}

/// A datagram without its descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// What its kind says.
    pub value: u32,
}

/// Sends one message. Allocates nothing.
///
/// # Errors
/// `EPIPE` when the other process is gone.
pub fn send(
    socket: impl AsFd,
    message: Message,
    descriptors: &[BorrowedFd<'_>],
) -> Result<(), Errno> {
    let mut bytes = [0; BYTES];
    bytes[0] = message.kind as u8;
    bytes[4..].copy_from_slice(&message.value.to_le_bytes());
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_PER_MESSAGE))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(Errno::TOOBIG);
    }
    loop {
        let parts = [IoSlice::new(&bytes)];
        match sendmsg(&socket, &parts, &mut control, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            result => return result.map(drop),
        }
    }
}

/// Receives one message and gives its descriptors to `keep`; `None` at the end,
/// when the other process is gone. Allocates nothing.
///
/// # Errors
/// `EMFILE` descriptors were lost, `EPROTO` not a message; those of recvmsg(2).
pub fn receive(socket: impl AsFd, mut keep: impl FnMut(OwnedFd)) -> Result<Option<Message>, Errno> {
    let mut bytes = [0; BYTES];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS_PER_MESSAGE))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            result => break result?,
        }
    };
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = ancillary {
            descriptors.for_each(&mut keep);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(Errno::MFILE);
    }
    match received.bytes {
        0 => Ok(None),
        BYTES => decode(bytes).map(Some).ok_or(Errno::PROTO),
        _ => Err(Errno::PROTO),
    }
}

fn decode(bytes: [u8; BYTES]) -> Option<Message> {
    let kind = [
        Kind::Begin,
        Kind::Hold,
        Kind::Thaw,
        Kind::Release,
        Kind::Done,
        Kind::Expired,
        Kind::Failed,
    ]
    .into_iter()
    .find(|kind| *kind as u8 == bytes[0])?;
    let [_, _, _, _, value @ ..] = bytes;
    Some(Message {
        kind,
        value: u32::from_le_bytes(value),
    })
}
