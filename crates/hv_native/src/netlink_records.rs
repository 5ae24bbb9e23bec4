//! What rtnetlink(7) tells about links, addresses and default routes, as plain records.

use napi_derive::napi;
use netlink_packet_core::NLM_F_DUMP_INTR;
use netlink_packet_core::{NetlinkBuffer, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkInfo, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;
use std::fmt::Write;

/// "For ever" in an address's lifetimes (include/net/addrconf.h).
const INFINITY_LIFE_TIME: u32 = u32::MAX;
/// rtmsg.rtm_dst_len, the second byte (include/uapi/linux/rtnetlink.h).
const DESTINATION_PREFIX_LENGTH: usize = 1;
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;

/// A network interface.
#[napi(object)]
pub struct LinkRecord {
    /// The kernel's number of the interface.
    pub index: u32,
    /// IFLA_IFNAME.
    pub name: String,
    /// IFLA_ADDRESS as `00:15:5d:…`, empty when there is none.
    pub mac: String,
    /// IFF_… (include/uapi/linux/if.h).
    pub flags: u32,
    /// IFLA_INFO_KIND such as `bridge`; absent for hardware.
    pub kind: Option<String>,
    /// IFLA_MASTER: the bridge, bond or netvsc device above.
    pub master: Option<u32>,
    /// IFLA_LINK: the device below, of a VLAN and the like.
    pub lower: Option<u32>,
    /// IFLA_OPERSTATE (RFC 2863): 6 is up.
    pub oper_state: Option<u32>,
}

/// An address of an interface.
#[napi(object)]
pub struct AddressRecord {
    /// The interface.
    pub interface_index: u32,
    /// 4 or 6.
    pub family: u32,
    /// IFA_LOCAL, else IFA_ADDRESS.
    pub address: String,
    /// Bits of the network part.
    pub prefix_length: u32,
    /// RT_SCOPE_…: 0 universe, 253 link, 254 host.
    pub scope: u32,
    /// IFA_F_… (include/uapi/linux/if_addr.h).
    pub flags: u32,
    /// Seconds, 0xffffffff for ever.
    pub preferred_seconds: u32,
    /// Seconds, 0xffffffff for ever.
    pub valid_seconds: u32,
}

/// One next hop of a unicast route to everywhere.
#[napi(object)]
pub struct DefaultRouteRecord {
    /// 4 or 6: the family of the route; a gateway of IPv4 may be an IPv6 address.
    pub family: u32,
    /// RTA_GATEWAY or RTA_VIA; absent for a route to a device alone.
    pub gateway: Option<String>,
    /// RTA_OIF of the hop.
    pub interface_index: u32,
    /// RTA_PRIORITY, 0 when absent.
    pub metric: u32,
    /// RTA_TABLE: 254 is main.
    pub table: u32,
    /// RTPROT_…: 2 kernel, 3 boot, 4 static, 9 router advertisement, 16 DHCP.
    pub protocol: u32,
}

/// The network as the kernel has it now, in the kernel's order.
#[napi(object)]
#[derive(Default)]
pub struct NetworkRecords {
    /// Every interface.
    pub links: Vec<LinkRecord>,
    /// Every IPv4 and IPv6 address.
    pub addresses: Vec<AddressRecord>,
    /// Every next hop of every default route in every table.
    pub default_routes: Vec<DefaultRouteRecord>,
    /// Messages of the kernel that could not be decoded, and are missing here.
    pub undecoded: u32,
}

/// How far a dump has come after a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More datagrams follow.
    More {
        /// Whether nothing changed during the dump.
        consistent: bool,
    },
    /// That was all.
    Done {
        /// Whether nothing changed during the dump.
        consistent: bool,
    },
}

/// Whether a datagram of notifications has more in it than changes of routes to
/// single networks, which may come by the thousand.
pub fn is_notable(datagram: &[u8]) -> bool {
    messages(datagram).any(|message| {
        let Ok(buffer) = NetlinkBuffer::new_checked(message) else {
            return true;
        };
        !matches!(buffer.message_type(), RTM_NEWROUTE | RTM_DELROUTE)
            || buffer.payload().get(DESTINATION_PREFIX_LENGTH) == Some(&0)
    })
}

impl NetworkRecords {
    /// Takes the records of one datagram of a dump with `sequence_number`; others' are ignored.
    ///
    /// # Errors
    /// What the kernel answered instead of a dump; `EBADMSG` for what is no netlink message.
    pub fn take(&mut self, datagram: &[u8], sequence_number: u32) -> Result<Progress, Errno> {
        let mut consistent = true;
        for message in messages(datagram) {
            let header = NetlinkBuffer::new_checked(message).map_err(|_| Errno::BADMSG)?;
            if header.sequence_number() != sequence_number {
                continue;
            }
            consistent &= header.flags() & NLM_F_DUMP_INTR == 0;
            if is_specific_route(&header) {
                continue;
            }
            match NetlinkMessage::deserialize(message) {
                Ok(message) => match message.payload {
                    NetlinkPayload::Done(_) => return Ok(Progress::Done { consistent }),
                    NetlinkPayload::Error(error) => {
                        return Err(Errno::from_raw_os_error(-error.raw_code()));
                    }
                    NetlinkPayload::InnerMessage(message) => self.record(&message),
                    _ => {}
                },
                Err(_) => self.undecoded += 1,
            }
        }
        Ok(Progress::More { consistent })
    }

    fn record(&mut self, message: &RouteNetlinkMessage) {
        match message {
            RouteNetlinkMessage::NewLink(link) => self.links.push(link_record(link)),
            RouteNetlinkMessage::NewAddress(address) => {
                self.addresses.extend(address_record(address));
            }
            RouteNetlinkMessage::NewRoute(route) => {
                self.default_routes.extend(default_route_records(route));
            }
            _ => {}
        }
    }
}

fn is_specific_route(header: &NetlinkBuffer<&[u8]>) -> bool {
    header.message_type() == RTM_NEWROUTE
        && header
            .payload()
            .get(DESTINATION_PREFIX_LENGTH)
            .is_some_and(|length| *length != 0)
}

/// The messages of a datagram; a rest that is too short is left as one of them.
fn messages(datagram: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = NetlinkBuffer::new_checked(rest)
            .map_or(rest.len(), |buffer| buffer.length() as usize)
            .max(1);
        let message = &rest[..length.min(rest.len())];
        rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        Some(message)
    })
}

fn link_record(message: &LinkMessage) -> LinkRecord {
    let mut record = LinkRecord {
        index: message.header.index,
        name: String::new(),
        mac: String::new(),
        flags: message.header.flags.bits(),
        kind: None,
        master: None,
        lower: None,
        oper_state: None,
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => record.name.clone_from(name),
            LinkAttribute::Address(bytes) => record.mac = mac_text(bytes),
            LinkAttribute::Controller(index) => record.master = Some(*index),
            LinkAttribute::Link(index) => record.lower = Some(*index),
            LinkAttribute::OperState(state) => record.oper_state = Some(u8::from(*state).into()),
            LinkAttribute::LinkInfo(infos) => {
                record.kind = infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    record
}

fn mac_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for byte in bytes {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a String does not fail.
        let _ = write!(text, "{colon}{byte:02x}");
    }
    text
}

fn family_number(family: AddressFamily) -> Option<u32> {
    match family {
        AddressFamily::Inet => Some(4),
        AddressFamily::Inet6 => Some(6),
        _ => None,
    }
}

fn address_record(message: &AddressMessage) -> Option<AddressRecord> {
    let mut record = AddressRecord {
        interface_index: message.header.index,
        family: family_number(message.header.family)?,
        address: String::new(),
        prefix_length: message.header.prefix_len.into(),
        scope: u8::from(message.header.scope).into(),
        flags: message.header.flags.bits().into(),
        preferred_seconds: INFINITY_LIFE_TIME,
        valid_seconds: INFINITY_LIFE_TIME,
    };
    let mut local = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(address.to_string()),
            AddressAttribute::Address(address) => record.address = address.to_string(),
            AddressAttribute::Flags(flags) => record.flags = flags.bits(),
            AddressAttribute::CacheInfo(times) => {
                record.preferred_seconds = times.ifa_preferred;
                record.valid_seconds = times.ifa_valid;
            }
            _ => {}
        }
    }
    // On a point-to-point link IFA_ADDRESS is the other end.
    record.address = local.unwrap_or(record.address);
    Some(record)
}

fn default_route_records(message: &RouteMessage) -> Vec<DefaultRouteRecord> {
    let Some(family) = family_number(message.header.address_family) else {
        return Vec::new();
    };
    if message.header.kind != RouteType::Unicast || message.header.destination_prefix_length != 0 {
        return Vec::new();
    }
    let mut metric = 0;
    let mut table = u32::from(message.header.table);
    let mut hops = Vec::new();
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Priority(value) => metric = *value,
            RouteAttribute::Table(value) => table = *value,
            RouteAttribute::MultiPath(next_hops) => hops.extend(
                next_hops
                    .iter()
                    .map(|hop| (gateway(&hop.attributes), hop.interface_index)),
            ),
            RouteAttribute::Oif(index) => hops.push((gateway(&message.attributes), *index)),
            _ => {}
        }
    }
    hops.into_iter()
        .map(|(gateway, interface_index)| DefaultRouteRecord {
            family,
            gateway,
            interface_index,
            metric,
            table,
            protocol: protocol_number(&message.header),
        })
        .collect()
}

fn protocol_number(header: &RouteHeader) -> u32 {
    u8::from(header.protocol).into()
}

fn gateway(attributes: &[RouteAttribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(address))
        | RouteAttribute::Via(RouteVia::Inet(address)) => Some(address.to_string()),
        RouteAttribute::Gateway(RouteAddress::Inet6(address))
        | RouteAttribute::Via(RouteVia::Inet6(address)) => Some(address.to_string()),
        _ => None,
    })
}

#[cfg(test)]
#[path = "netlink_records_tests.rs"]
mod tests;
