// Network records as netlink gives them, with what a test does not care about filled in.

import type {
  AddressRecord,
  DefaultRouteRecord,
  LinkRecord,
  NetworkRecords,
} from "../../src/native/binding.ts";

const up = 0x1;

export function link(index: number, name: string, rest: Partial<LinkRecord> = {}): LinkRecord {
  return { index, name, mac: `00:15:5d:00:00:0${index}`, flags: up, operState: 6, ...rest };
}

/** `10.0.0.5/24` or `fe80::1/64` on an interface. */
export function address(
  interfaceIndex: number,
  text: string,
  rest: Partial<AddressRecord> = {},
): AddressRecord {
  const [plain = "", length] = text.split("/");
  const isIpv6 = plain.includes(":");
  return {
    interfaceIndex,
    family: isIpv6 ? 6 : 4,
    address: plain,
    prefixLength: Number(length ?? (isIpv6 ? 64 : 24)),
    scope: plain.startsWith("fe80:") ? 253 : 0,
    flags: 0x80,
    preferredSeconds: 0xffffffff,
    validSeconds: 0xffffffff,
    ...rest,
  };
}

export function defaultRoute(
  interfaceIndex: number,
  gateway: string,
  rest: Partial<DefaultRouteRecord> = {},
): DefaultRouteRecord {
  const family = gateway.includes(":") ? 6 : 4;
  return { family, gateway, interfaceIndex, metric: 0, table: 254, protocol: 3, ...rest };
}

export function records(parts: Partial<NetworkRecords>): NetworkRecords {
  return { links: [], addresses: [], defaultRoutes: [], undecoded: 0, ...parts };
}
