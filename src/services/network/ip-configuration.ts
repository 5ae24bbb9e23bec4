// What an interface is to have: the meaning of a host's SET_IP_INFO, or of a
// file of `hvguest net apply`.

import type { IpAddress, IpPrefix } from "./ip-address.ts";
import { addressBits, contains, isAssignable, isLinkLocalIpv6 } from "./ip-address.ts";

/** The first is used; others stand by with a higher metric. */
export interface Gateway extends IpAddress {
  /** In none of the interface's networks, and yet on its link. */
  readonly isOnLink: boolean;
}

export interface FamilyConfiguration {
  readonly addresses: readonly IpPrefix[];
  readonly gateways: readonly Gateway[];
  readonly dnsServers: readonly IpAddress[];
}

/**
 * `automatic` is DHCP for IPv4 and router advertisements for IPv6; `none` leaves
 * IPv4 without addresses.
 */
export interface IpConfiguration {
  readonly ipv4: FamilyConfiguration & { readonly method: "automatic" | "static" | "none" };
  readonly ipv6: FamilyConfiguration & { readonly method: "automatic" | "static" };
}

/** What somebody asks for cannot be; the message says which item, and why. */
export class InvalidConfiguration extends Error {
  override readonly name = "InvalidConfiguration";
}

export interface Items {
  readonly dhcpEnabled: boolean;
  readonly addresses: readonly IpPrefix[];
  readonly gateways: readonly IpAddress[];
  readonly dnsServers: readonly IpAddress[];
}

/** Items of either family that one request may have; a host's lists hold fewer than 150. */
const maxItems = 256;

/**
 * Puts items together. With DHCP, IPv4 addresses and gateways come from the lease
 * and the given ones are left out: a host may only repeat what it was told.
 * @throws InvalidConfiguration
 */
export function configurationOf(items: Items): IpConfiguration {
  for (const list of [items.addresses, items.gateways, items.dnsServers]) {
    if (list.length > maxItems) {
      throw new InvalidConfiguration(`more than ${maxItems} items`);
    }
  }
  for (const address of items.addresses) {
    requireAssignable(address, "address");
    if (address.length < 1 || address.length > addressBits(address.family)) {
      throw new InvalidConfiguration(`subnet '/${address.length}' of '${address.text}'`);
    }
  }
  items.gateways.forEach((gateway) => requireAssignable(gateway, "gateway"));
  items.dnsServers.forEach((server) => requireAssignable(server, "DNS server"));
  if (items.addresses.length === 0 && !items.dhcpEnabled) {
    throw new InvalidConfiguration("neither addresses nor DHCP");
  }
  const ipv4 = familyOf(items, 4);
  const ipv6 = familyOf(items, 6);
  return {
    ipv4: items.dhcpEnabled
      ? { method: "automatic", addresses: [], gateways: [], dnsServers: ipv4.dnsServers }
      : { method: ipv4.addresses.length > 0 ? "static" : "none", ...ipv4 },
    ipv6: { method: ipv6.addresses.length > 0 ? "static" : "automatic", ...ipv6 },
  };
}

function requireAssignable(address: IpAddress, what: string): void {
  if (!isAssignable(address)) {
    throw new InvalidConfiguration(`'${address.text}' cannot be the ${what} of an interface`);
  }
}

function familyOf(items: Items, family: 4 | 6): FamilyConfiguration {
  const addresses = unique(items.addresses.filter((address) => address.family === family));
  return {
    addresses,
    gateways: unique(items.gateways.filter((gateway) => gateway.family === family)).map(
      (gateway) => ({ ...gateway, isOnLink: isOnLink(gateway, addresses) }),
    ),
    dnsServers: unique(items.dnsServers.filter((server) => server.family === family)),
  };
}

/** @throws InvalidConfiguration when an address comes with two lengths */
function unique<T extends IpAddress & { readonly length?: number }>(items: readonly T[]): T[] {
  const byText = new Map<string, T>();
  for (const item of items) {
    const known = byText.get(item.text);
    if (known !== undefined && known.length !== item.length) {
      throw new InvalidConfiguration(`'${item.text}' comes with two subnets`);
    }
    byText.set(item.text, known ?? item);
  }
  return [...byText.values()];
}

function isOnLink(gateway: IpAddress, addresses: readonly IpPrefix[]): boolean {
  return !isLinkLocalIpv6(gateway) && !addresses.some((address) => contains(address, gateway));
}
