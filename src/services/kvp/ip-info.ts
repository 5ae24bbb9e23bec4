// GET_IP_INFO: one adapter's addresses in the form that the host reads.

import { maxIpListUnits } from "../../protocol/kvp/messages.ts";
import type { KvpReply } from "../../protocol/kvp/request.ts";
import { cutList } from "../../protocol/wire/text.ts";

/** What is known of one adapter; IPv4 first, one subnet for each address. */
export interface AdapterAddresses {
  /** Bits of what was found: 1 IPv4, 2 IPv6. */
  readonly families: number;
  readonly dhcpEnabled: boolean;
  readonly addresses: readonly string[];
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly dnsServers: readonly string[];
}

/**
 * The reply. Addresses and subnets are joined by `;`; gateways and DNS servers are
 * each followed by `;`, as the C daemon has it. Lists are cut between items, and
 * addresses with their subnets.
 */
export function ipInfoReply(adapter: AdapterAddresses): KvpReply {
  const count = Math.min(
    cutList(adapter.addresses, maxIpListUnits.addresses).length,
    cutList(adapter.subnets, maxIpListUnits.subnets).length,
  );
  return {
    kind: "ipInfo",
    addressFamilies: adapter.families,
    dhcpEnabled: adapter.dhcpEnabled,
    addresses: adapter.addresses.slice(0, count).join(";"),
    subnets: adapter.subnets.slice(0, count).join(";"),
    gateways: ended(adapter.gateways, maxIpListUnits.gateways),
    dnsServers: ended(adapter.dnsServers, maxIpListUnits.dnsServers),
  };
}

function ended(items: readonly string[], units: number): string {
  return cutList(items, units - 1)
    .map((item) => `${item};`)
    .join("");
}
