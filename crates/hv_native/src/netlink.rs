//! Reads the kernel's network configuration through rtnetlink(7).

use crate::error::{Result, failed};
use crate::netlink_records::{NetworkRecords, Progress};
use napi_derive::napi;
use netlink_packet_core::NetlinkMessage;
use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::route::RouteMessage;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send,
    socket_with,
};

/// The kernel fills at most 32 KiB of a dump's datagram (net/netlink/af_netlink.c).
pub const DATAGRAM_BYTES: usize = 64 * 1024;
/// Number 0, which rustix spells as the absence of a protocol.
const NETLINK_ROUTE: Option<Protocol> = None;
/// Dumps during which something changed before the last one is taken as it is.
const ATTEMPTS: u32 = 8;

/// The interfaces, addresses and default routes of this network namespace, now.
///
/// # Errors
/// socket(2): `EAFNOSUPPORT` or `EPERM` in a sandbox without netlink; `EBADMSG`
/// for an answer that is none.
#[napi]
pub fn read_network() -> Result<NetworkRecords> {
    read().map_err(|errno| failed("read the network through netlink", errno))
}

/// A socket of rtnetlink that hears the multicast `groups` (a bit set of RTMGRP_…).
///
/// # Errors
/// Those of socket(2) and bind(2).
pub fn open(groups: u32) -> rustix::io::Result<OwnedFd> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        NETLINK_ROUTE,
    )?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

fn read() -> rustix::io::Result<NetworkRecords> {
    let socket = open(0)?;
    let mut buffer = vec![0; DATAGRAM_BYTES];
    let mut sequence_number = 0;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let mut records = NetworkRecords::default();
        let mut consistent = true;
        for request in [
            RouteNetlinkMessage::GetLink(LinkMessage::default()),
            RouteNetlinkMessage::GetAddress(AddressMessage::default()),
            RouteNetlinkMessage::GetRoute(RouteMessage::default()),
        ] {
            sequence_number += 1;
            ask(&socket, request, sequence_number)?;
            consistent &= answer(&socket, &mut buffer, sequence_number, &mut records)?;
        }
        if consistent || attempt == ATTEMPTS {
            return Ok(records);
        }
    }
}

fn ask(
    socket: &OwnedFd,
    request: RouteNetlinkMessage,
    sequence_number: u32,
) -> rustix::io::Result<()> {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.header.sequence_number = sequence_number;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    send(socket, &bytes, SendFlags::empty())?;
    Ok(())
}

/// Whether the dump was consistent.
fn answer(
    socket: &OwnedFd,
    buffer: &mut [u8],
    sequence_number: u32,
    records: &mut NetworkRecords,
) -> rustix::io::Result<bool> {
    let mut all_consistent = true;
    loop {
        let (_, length) = match recv(socket, &mut *buffer, RecvFlags::TRUNC) {
            Err(Errno::INTR) => continue,
            received => received?,
        };
        let datagram = buffer.get(..length).ok_or(Errno::MSGSIZE)?;
        match records.take(datagram, sequence_number)? {
            Progress::More { consistent } => all_consistent &= consistent,
            Progress::Done { consistent } => return Ok(all_consistent && consistent),
        }
    }
}
