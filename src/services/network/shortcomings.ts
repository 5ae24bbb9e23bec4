// Whether the kernel has what was configured.

import type { IpPrefix } from "./ip-address.ts";
import type { FamilyConfiguration, IpConfiguration } from "./ip-configuration.ts";
import type { NetworkInterface } from "../../platform/network.ts";

/**
 * What of the configuration is not in force, in words; empty when all is. DHCP is
 * in force when its client has the interface, with or without a lease yet. DNS
 * servers are nothing that the kernel knows.
 */
export function shortcomings(
  subject: NetworkInterface,
  configuration: IpConfiguration,
  hasDhcp: boolean,
): string[] {
  const { ipv4, ipv6 } = configuration;
  return [
    ...missing(subject, ipv4),
    ...missing(subject, ipv6),
    ...(ipv4.method === "automatic"
      ? hasDhcp
        ? []
        : ["DHCP is not in use"]
      : left(subject, ipv4)),
  ];
}

function missing(
  subject: NetworkInterface,
  { addresses, gateways }: FamilyConfiguration,
): string[] {
  const [gateway] = gateways;
  return [
    ...addresses.flatMap((wanted) => addressFault(subject, wanted)),
    ...(gateway === undefined || subject.gateways.some((one) => one.gateway === gateway.text)
      ? []
      : [`the gateway ${gateway.text} is missing`]),
  ];
}

/** An address whose duplicate detection goes on may still be lost to another machine. */
function addressFault(subject: NetworkInterface, { text, length }: IpPrefix): string[] {
  const found = subject.addresses.find(
    ({ address, prefixLength }) => address === text && prefixLength === length,
  );
  if (found === undefined) {
    return [`${text}/${length} is missing`];
  }
  return found.isTentative ? [`${text}/${length} is not yet known to be free`] : [];
}

/** Leased IPv4 addresses that are still there; without any IPv4, all that are. */
function left(subject: NetworkInterface, { addresses }: FamilyConfiguration): string[] {
  const wanted = new Set(addresses.map(({ text }) => text));
  return subject.addresses
    .filter(({ family, isLinkLocal }) => family === 4 && !isLinkLocal)
    .filter(({ expires }) => expires || wanted.size === 0)
    .filter(({ address }) => !wanted.has(address))
    .map(({ address }) => `${address} is still there`);
}
