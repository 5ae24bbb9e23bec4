// The network interfaces of this machine: what netlink tells, joined with what
// sysfs tells of the devices.

import { readFileSync } from "node:fs";
import type {
  AddressRecord,
  DefaultRouteRecord,
  LinkRecord,
  NetworkRecords,
} from "../native/binding.ts";

export interface InterfaceAddress {
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  readonly isLinkLocal: boolean;
  /** Duplicate address detection has not finished. */
  readonly isTentative: boolean;
  /** The address has an end: a DHCP lease or a router advertisement. */
  readonly expires: boolean;
}

export interface DefaultGateway {
  /** The family of the route; the gateway of an IPv4 route may be an IPv6 address. */
  readonly family: 4 | 6;
  readonly gateway: string;
  readonly metric: number;
}

export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  /** `00:15:5D:…`, empty when there is none. */
  readonly mac: string;
  readonly isUp: boolean;
  /** Something is at the other end of its cable; only an interface that is up can tell. */
  readonly hasCarrier: boolean;
  readonly isLoopback: boolean;
  /** `bridge`, `veth`, `vlan` …; undefined for hardware and loopback. */
  readonly kind: string | undefined;
  /** The index of the bridge, bond or netvsc interface above. */
  readonly master: number | undefined;
  /** The index of the interface below a VLAN and the like. */
  readonly lower: number | undefined;
  /** The GUID of a Hyper-V adapter's VMBus device as sysfs has it: `{f8615163-…}`. */
  readonly deviceId: string | undefined;
  /** The SR-IOV function beneath a Hyper-V adapter: it is the adapter's, not ours to touch. */
  readonly isVirtualFunction: boolean;
  /** IPv4 first, else as the kernel orders them; without those that failed duplicate detection. */
  readonly addresses: readonly InterfaceAddress[];
  /** Of the main table: IPv4 first, then by metric. */
  readonly gateways: readonly DefaultGateway[];
}

// include/uapi/linux/if.h, if_addr.h, rtnetlink.h
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_LOWER_UP = 0x10000;
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;
const RT_SCOPE_LINK = 253;
const RT_TABLE_MAIN = 254;
const forEver = 0xffffffff;

/** The interfaces in the order of their indexes; `sys` is where sysfs is mounted. */
export function networkInterfaces(records: NetworkRecords, sys: string): NetworkInterface[] {
  const links = records.links.toSorted((a, b) => a.index - b.index);
  const deviceIds = new Map(links.map(({ index, name }) => [index, readDeviceId(sys, name)]));
  const adapterMacs = new Set(
    links.filter(({ index }) => deviceIds.get(index) !== undefined).map(({ mac }) => mac),
  );
  return links.map((link) => ({
    index: link.index,
    name: link.name,
    mac: link.mac.toUpperCase(),
    isUp: (link.flags & IFF_UP) !== 0,
    hasCarrier: (link.flags & IFF_LOWER_UP) !== 0,
    isLoopback: (link.flags & IFF_LOOPBACK) !== 0,
    kind: link.kind,
    master: link.master,
    lower: link.lower,
    deviceId: deviceIds.get(link.index),
    isVirtualFunction: isVirtualFunction(link, deviceIds, adapterMacs),
    addresses: addressesOf(link, records.addresses),
    gateways: gatewaysOf(link, records.defaultRoutes),
  }));
}

/** Every Hyper-V adapter has this file (drivers/hv/vmbus_drv.c), other devices do not. */
function readDeviceId(sys: string, name: string): string | undefined {
  try {
    return readFileSync(`${sys}/class/net/${name}/device/device_id`, "utf8").trim();
  } catch {
    // ENOENT, or the interface has just gone.
    return undefined;
  }
}

/**
 * netvsc makes itself the master of the function (drivers/net/hyperv/netvsc_drv.c);
 * before that the function is hardware that shows the adapter's MAC.
 */
function isVirtualFunction(
  link: LinkRecord,
  deviceIds: ReadonlyMap<number, string | undefined>,
  adapterMacs: ReadonlySet<string>,
): boolean {
  if (deviceIds.get(link.index) !== undefined || link.kind !== undefined) {
    return false;
  }
  const isBelowAdapter = link.master !== undefined && deviceIds.get(link.master) !== undefined;
  return isBelowAdapter || adapterMacs.has(link.mac);
}

function addressesOf(link: LinkRecord, records: readonly AddressRecord[]): InterfaceAddress[] {
  return records
    .filter(
      ({ interfaceIndex, flags }) =>
        interfaceIndex === link.index && (flags & IFA_F_DADFAILED) === 0,
    )
    .map((record) => ({
      family: familyOf(record),
      address: record.address,
      prefixLength: record.prefixLength,
      isLinkLocal: record.scope === RT_SCOPE_LINK,
      isTentative: (record.flags & IFA_F_TENTATIVE) !== 0,
      expires: record.validSeconds !== forEver,
    }))
    .toSorted((a, b) => a.family - b.family);
}

function gatewaysOf(link: LinkRecord, records: readonly DefaultRouteRecord[]): DefaultGateway[] {
  return records
    .filter(({ interfaceIndex, table }) => interfaceIndex === link.index && table === RT_TABLE_MAIN)
    .flatMap((record) =>
      record.gateway === undefined
        ? []
        : [{ family: familyOf(record), gateway: record.gateway, metric: record.metric }],
    )
    .toSorted((a, b) => a.family - b.family || a.metric - b.metric);
}

function familyOf({ family }: { readonly family: number }): 4 | 6 {
  return family === 4 ? 4 : 6;
}
