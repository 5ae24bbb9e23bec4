use super::{NetworkRecords, Progress, is_notable};
use rustix::io::Errno;

const SEQUENCE_NUMBER: u32 = 7;
const NLM_F_MULTI: u16 = 2;
const NLM_F_DUMP_INTR: u16 = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
/// struct rtmsg of `default`, main table, protocol DHCP, universe, unicast.
const DEFAULT_ROUTE: [u8; 12] = [2, 0, 0, 0, 254, 16, 0, 1, 0, 0, 0, 0];

fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let length = 16 + payload.len();
    let mut bytes = u32::try_from(length)
        .expect("a small message")
        .to_ne_bytes()
        .to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(SEQUENCE_NUMBER.to_ne_bytes());
    bytes.extend(99u32.to_ne_bytes());
    bytes.extend(payload);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len();
    let mut bytes = u16::try_from(length)
        .expect("a small attribute")
        .to_ne_bytes()
        .to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

fn take(datagram: &[u8]) -> (NetworkRecords, Result<Progress, Errno>) {
    let mut records = NetworkRecords::default();
    let progress = records.take(datagram, SEQUENCE_NUMBER);
    (records, progress)
}

fn default_route(attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut payload = DEFAULT_ROUTE.to_vec();
    payload.extend(attributes.concat());
    message(RTM_NEWROUTE, NLM_F_MULTI, &payload)
}

#[test]
fn a_link_is_told_with_its_mac_kind_and_master() {
    let mut payload = vec![0, 0, 1, 0];
    payload.extend(5u32.to_ne_bytes());
    payload.extend(0x1003u32.to_ne_bytes());
    payload.extend(0u32.to_ne_bytes());
    payload.extend(attribute(3, b"eth0.5\0"));
    payload.extend(attribute(1, &[0, 0x15, 0x5d, 1, 2, 0xff]));
    payload.extend(attribute(10, &9u32.to_ne_bytes()));
    payload.extend(attribute(5, &2u32.to_ne_bytes()));
    payload.extend(attribute(16, &[6]));
    payload.extend(attribute(18, &attribute(1, b"vlan\0")));
    let (records, progress) = take(&message(RTM_NEWLINK, NLM_F_MULTI, &payload));
    assert_eq!(progress, Ok(Progress::More { consistent: true }));
    let link = &records.links[0];
    assert_eq!((link.index, link.flags), (5, 0x1003));
    assert_eq!(
        (link.name.as_str(), link.mac.as_str()),
        ("eth0.5", "00:15:5d:01:02:ff")
    );
    assert_eq!(
        (link.master, link.lower, link.oper_state),
        (Some(9), Some(2), Some(6))
    );
    assert_eq!(link.kind.as_deref(), Some("vlan"));
}

#[test]
fn an_address_is_told_with_its_lifetimes() {
    let mut payload = vec![2, 24, 0, 0];
    payload.extend(3u32.to_ne_bytes());
    payload.extend(attribute(1, &[10, 0, 0, 5]));
    payload.extend(attribute(2, &[10, 0, 0, 5]));
    payload.extend(attribute(8, &0x200u32.to_ne_bytes()));
    let times: Vec<u8> = [200u32, 300, 1, 1]
        .iter()
        .flat_map(|value| value.to_ne_bytes())
        .collect();
    payload.extend(attribute(6, &times));
    let (records, _) = take(&message(RTM_NEWADDR, NLM_F_MULTI, &payload));
    let address = &records.addresses[0];
    assert_eq!(address.address, "10.0.0.5");
    assert_eq!(
        (
            address.family,
            address.interface_index,
            address.prefix_length
        ),
        (4, 3, 24)
    );
    assert_eq!(
        (
            address.flags,
            address.preferred_seconds,
            address.valid_seconds
        ),
        (0x200, 200, 300)
    );
}

#[test]
fn the_address_of_a_point_to_point_link_is_the_local_one() {
    let mut payload = vec![2, 32, 0x80, 0];
    payload.extend(3u32.to_ne_bytes());
    payload.extend(attribute(1, &[10, 0, 0, 1]));
    payload.extend(attribute(2, &[10, 0, 0, 2]));
    let (records, _) = take(&message(RTM_NEWADDR, NLM_F_MULTI, &payload));
    assert_eq!(records.addresses[0].address, "10.0.0.2");
    assert_eq!(records.addresses[0].valid_seconds, u32::MAX);
}

#[test]
fn an_address_of_another_family_is_no_record() {
    let mut payload = vec![28, 8, 0, 0];
    payload.extend(3u32.to_ne_bytes());
    let (records, _) = take(&message(RTM_NEWADDR, NLM_F_MULTI, &payload));
    assert!(records.addresses.is_empty());
    assert_eq!(records.undecoded, 0);
}

#[test]
fn a_default_route_is_told_with_metric_and_table() {
    let (records, _) = take(&default_route(&[
        attribute(15, &300u32.to_ne_bytes()),
        attribute(6, &100u32.to_ne_bytes()),
        attribute(5, &[10, 0, 0, 1]),
        attribute(4, &3u32.to_ne_bytes()),
    ]));
    let route = &records.default_routes[0];
    assert_eq!(route.gateway.as_deref(), Some("10.0.0.1"));
    assert_eq!(
        (route.family, route.interface_index, route.metric),
        (4, 3, 100)
    );
    assert_eq!((route.table, route.protocol), (300, 16));
}

#[test]
fn an_ipv4_route_may_lead_to_an_ipv6_gateway() {
    let mut via = 10u16.to_ne_bytes().to_vec();
    via.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let (records, _) = take(&default_route(&[
        attribute(18, &via),
        attribute(4, &3u32.to_ne_bytes()),
    ]));
    assert_eq!(
        records.default_routes[0].gateway.as_deref(),
        Some("fe80::1")
    );
}

#[test]
fn every_hop_of_a_multipath_route_is_a_record() {
    let hop = |index: u32, gateway: [u8; 4]| {
        let mut bytes = 16u16.to_ne_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(index.to_ne_bytes());
        bytes.extend(attribute(5, &gateway));
        bytes
    };
    let hops = [hop(3, [10, 0, 0, 1]), hop(4, [10, 0, 1, 1])].concat();
    let (records, _) = take(&default_route(&[
        attribute(9, &hops),
        attribute(6, &7u32.to_ne_bytes()),
    ]));
    let told: Vec<_> = records
        .default_routes
        .iter()
        .map(|route| {
            (
                route.interface_index,
                route.gateway.as_deref(),
                route.metric,
            )
        })
        .collect();
    assert_eq!(told, [(3, Some("10.0.0.1"), 7), (4, Some("10.0.1.1"), 7)]);
}

#[test]
fn routes_to_single_networks_and_unreachable_ones_are_no_records() {
    let mut specific = DEFAULT_ROUTE;
    specific[1] = 24;
    let mut unreachable = DEFAULT_ROUTE;
    unreachable[7] = 7;
    let datagram = [
        message(RTM_NEWROUTE, NLM_F_MULTI, &specific),
        message(RTM_NEWROUTE, NLM_F_MULTI, &unreachable),
    ]
    .concat();
    let (records, _) = take(&datagram);
    assert!(records.default_routes.is_empty());
}

#[test]
fn done_ends_a_dump() {
    let (_, progress) = take(&message(NLMSG_DONE, NLM_F_MULTI, &0i32.to_ne_bytes()));
    assert_eq!(progress, Ok(Progress::Done { consistent: true }));
}

#[test]
fn a_dump_with_a_change_in_it_is_not_consistent() {
    let datagram = message(
        NLMSG_DONE,
        NLM_F_MULTI | NLM_F_DUMP_INTR,
        &0i32.to_ne_bytes(),
    );
    assert_eq!(take(&datagram).1, Ok(Progress::Done { consistent: false }));
}

#[test]
fn the_kernels_refusal_is_an_errno() {
    let mut payload = (-1i32).to_ne_bytes().to_vec();
    payload.extend(message(18, 0, &[0; 16]));
    assert_eq!(take(&message(NLMSG_ERROR, 0, &payload)).1, Err(Errno::PERM));
}

#[test]
fn an_answer_to_somebody_else_is_ignored() {
    let datagram = default_route(&[attribute(4, &3u32.to_ne_bytes())]);
    let mut records = NetworkRecords::default();
    assert!(records.take(&datagram, SEQUENCE_NUMBER + 1).is_ok());
    assert!(records.default_routes.is_empty());
}

#[test]
fn a_message_that_cannot_be_decoded_is_counted_and_the_next_one_is_read() {
    let datagram = [
        message(RTM_NEWADDR, NLM_F_MULTI, &[2, 24]),
        default_route(&[
            attribute(5, &[10, 0, 0, 1]),
            attribute(4, &3u32.to_ne_bytes()),
        ]),
    ]
    .concat();
    let (records, progress) = take(&datagram);
    assert_eq!(progress, Ok(Progress::More { consistent: true }));
    assert_eq!((records.undecoded, records.default_routes.len()), (1, 1));
}

#[test]
fn a_datagram_cut_anywhere_is_an_error_or_a_shorter_one() {
    let datagram = default_route(&[
        attribute(5, &[10, 0, 0, 1]),
        attribute(4, &3u32.to_ne_bytes()),
    ]);
    for length in 0..datagram.len() {
        let (records, progress) = take(&datagram[..length]);
        assert!(records.default_routes.is_empty());
        assert!(length == 0 || progress == Err(Errno::BADMSG), "{length}");
    }
}

#[test]
fn only_changes_of_routes_to_single_networks_are_not_notable() {
    let mut specific = DEFAULT_ROUTE;
    specific[1] = 24;
    let quiet = message(RTM_NEWROUTE, 0, &specific);
    assert!(!is_notable(&quiet));
    assert!(is_notable(
        &[quiet, message(RTM_NEWROUTE, 0, &DEFAULT_ROUTE)].concat()
    ));
    assert!(is_notable(&message(
        RTM_NEWADDR,
        0,
        &[2, 24, 0, 0, 3, 0, 0, 0]
    )));
    assert!(is_notable(&[1, 2, 3]));
}
