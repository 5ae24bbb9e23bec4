// The intrinsic items: what a host reads of the guest from the pool AUTO
// (tools/hv/hv_kvp_daemon.c, enum key_index). Their order is their index.

import { cutList } from "../../protocol/wire/text.ts";
import { maxWireValueUnits } from "../../protocol/kvp/messages.ts";

/** Where the values come from. */
export interface IntrinsicSources {
  readonly hostName: () => string;
  /** The kernel's word at registration: `3.1`. */
  readonly integrationServicesVersion: () => string;
  readonly addresses: (family: 4 | 6) => readonly string[];
  readonly osName: () => string;
  readonly osVersion: () => string;
  /** `uname -r` */
  readonly kernelRelease: () => string;
  /** `uname -m` */
  readonly machine: () => string;
}

interface Item {
  readonly key: string;
  /** What a change of the value comes from, if it can change while the agent runs. */
  readonly changesWith?: "name" | "network";
  readonly value: (sources: IntrinsicSources) => string;
}

const items: readonly Item[] = [
  {
    key: "FullyQualifiedDomainName",
    changesWith: "name",
    value: (sources) => sources.hostName(),
  },
  {
    key: "IntegrationServicesVersion",
    value: (sources) => sources.integrationServicesVersion(),
  },
  {
    key: "NetworkAddressIPv4",
    changesWith: "network",
    value: (sources) => joined(sources.addresses(4)),
  },
  {
    key: "NetworkAddressIPv6",
    changesWith: "network",
    value: (sources) => joined(sources.addresses(6)),
  },
  { key: "OSBuildNumber", value: (sources) => sources.kernelRelease() },
  { key: "OSName", value: (sources) => sources.osName() },
  { key: "OSMajorVersion", value: (sources) => sources.osVersion() },
  // Only files older than os-release had one.
  { key: "OSMinorVersion", value: () => "" },
  { key: "OSVersion", value: (sources) => sources.kernelRelease().split("-")[0] ?? "" },
  { key: "ProcessorArchitecture", value: (sources) => sources.machine() },
];

/** The item of `index`, or undefined past the last one. */
export function intrinsicItem(
  index: number,
  sources: IntrinsicSources,
): { readonly key: string; readonly value: string } | undefined {
  const item = items[index];
  return item === undefined ? undefined : { key: item.key, value: item.value(sources) };
}

/** The value of `key`, or undefined when it is not an intrinsic item. */
export function intrinsicValue(key: string, sources: IntrinsicSources): string | undefined {
  return items.find((item) => item.key === key)?.value(sources);
}

/** Whether the item of this key stays the same while the agent is registered. */
export function isFixed(key: string): boolean {
  return items.some((item) => item.key === key && item.changesWith === undefined);
}

/** Whether the item of this key changes with the network's addresses, and only with them. */
export function isAddress(key: string): boolean {
  return items.some((item) => item.key === key && item.changesWith === "network");
}

function joined(addresses: readonly string[]): string {
  return cutList(addresses, maxWireValueUnits).join(";");
}
