// What the host gets to know of the machine's addresses: GET_IP_INFO for one
// adapter, and the intrinsic items NetworkAddressIPv4 and NetworkAddressIPv6.

import type { Log } from "../../log.ts";
import type { NativeNetworkWatch } from "../../native/binding.ts";
import { NativeError } from "../../native/native-error.ts";
import { dhcpState } from "../../platform/dhcp-state.ts";
import { dnsServers } from "../../platform/dns-servers.ts";
import { type NetworkInterface, networkInterfaces } from "../../platform/network.ts";
import type { Paths } from "../../platform/paths.ts";
import { ipv4Mask } from "./ip-address.ts";
import { addressesForHost } from "./reported-interfaces.ts";
import { kernelSource, type NetworkSource } from "./network-source.ts";

/** The answer to GET_IP_INFO as lists of items, IPv4 before IPv6. */
export interface IpReport {
  /** What was found: 1 IPv4, 2 IPv6, 3 both, 0 none. */
  readonly families: number;
  readonly dhcpEnabled: boolean;
  readonly addresses: readonly string[];
  /** One for each address: a dotted mask for IPv4, `/64` for IPv6. */
  readonly subnets: readonly string[];
  readonly gateways: readonly string[];
  readonly dnsServers: readonly string[];
}

export interface NetworkReporterOptions {
  readonly paths: Pick<Paths, "root" | "sys" | "proc">;
  /** Names, with `*`, of interfaces that the intrinsic items leave out. */
  readonly ignoreInterfaces: () => readonly string[];
  readonly log: Pick<Log, "warning">;
  readonly source?: NetworkSource;
  /** Told after each change, between start and stop. */
  readonly onChange?: () => void;
}

/**
 * Tells the host of addresses as the kernel has them at the moment of asking.
 * Between {@link NetworkReporter.start} and stop the lists of intrinsic addresses
 * are kept until the kernel tells of a change; otherwise they are read each time.
 */
export class NetworkReporter {
  readonly #options: NetworkReporterOptions;
  readonly #source: NetworkSource;
  #watch: NativeNetworkWatch | undefined;
  #kept: { readonly 4: readonly string[]; readonly 6: readonly string[] } | undefined;
  #complained = false;

  constructor(options: NetworkReporterOptions) {
    this.#options = options;
    this.#source = options.source ?? kernelSource;
  }

  /** Reads the addresses again at the next question. */
  forget(): void {
    this.#kept = undefined;
  }

  /** Begins to listen for changes. Without netlink (in a sandbox) it says so and goes on. */
  start(): void {
    try {
      this.#watch ??= this.#source.watch(() => {
        this.#kept = undefined;
        this.#options.onChange?.();
      });
    } catch (error) {
      if (!(error instanceof NativeError)) {
        throw error;
      }
      this.#options.log.warning(`${error.message}, reading the network for each request`);
    }
  }

  /** Whether `onChange` is told of each change. */
  get isWatched(): boolean {
    return this.#watch !== undefined;
  }

  stop(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#kept = undefined;
  }

  /**
   * GET_IP_INFO of the adapter with this MAC, in any case of letters; undefined
   * when there is none. An adapter whose addresses are on a bridge, bond or VLAN
   * with the same MAC is reported with those; a virtual function is passed over.
   * @throws NativeError when the kernel cannot be asked
   */
  reportByMac(mac: string): IpReport | undefined {
    const wanted = mac.toUpperCase();
    const subject = this.interfaces()
      .filter((candidate) => candidate.mac === wanted)
      .toSorted((a, b) => preference(a) - preference(b))[0];
    return subject === undefined ? undefined : this.report(subject);
  }

  /** What {@link reportByMac} tells of one interface. */
  report(subject: NetworkInterface): IpReport {
    const { paths } = this.#options;
    const { addresses } = subject;
    const has = (family: 4 | 6) => addresses.some((address) => address.family === family);
    const dhcp = dhcpState(subject, paths);
    return {
      families: (has(4) ? 1 : 0) | (has(6) ? 2 : 0),
      dhcpEnabled: dhcp.ipv4 || (dhcp.ipv6 && !has(4)),
      addresses: addresses.map(({ address }) => address),
      subnets: addresses.map(({ family, prefixLength }) =>
        family === 4 ? ipv4Mask(prefixLength) : `/${prefixLength}`,
      ),
      gateways: [...new Set(subject.gateways.map(({ gateway }) => gateway))],
      dnsServers: dnsServers(subject.index, paths.root),
    };
  }

  /**
   * The addresses for NetworkAddressIPv4 or NetworkAddressIPv6;
   * {@link addressesForHost} has the rule.
   * @throws NativeError when the kernel cannot be asked
   */
  intrinsicAddresses(family: 4 | 6): readonly string[] {
    if (this.#kept !== undefined) {
      return this.#kept[family];
    }
    const interfaces = this.interfaces();
    const list = (wanted: 4 | 6) =>
      addressesForHost(interfaces, wanted, this.#options.ignoreInterfaces()).map(
        ({ address }) => address,
      );
    const lists = { 4: list(4), 6: list(6) };
    if (this.#watch !== undefined) {
      this.#kept = lists;
    }
    return lists[family];
  }

  /** Every interface, now. */
  interfaces(): NetworkInterface[] {
    const records = this.#source.read();
    if (records.undecoded > 0 && !this.#complained) {
      this.#complained = true;
      this.#options.log.warning(
        `${records.undecoded} of the kernel's network records cannot be decoded, ignoring them`,
      );
    }
    return networkInterfaces(records, this.#options.paths.sys);
  }
}

/** Lower is better: an address that leads somewhere, the adapter itself, no virtual function. */
function preference({ addresses, deviceId, isVirtualFunction }: NetworkInterface): number {
  const reach = addresses.some(({ isLinkLocal }) => !isLinkLocal)
    ? 0
    : addresses.length > 0
      ? 2
      : 4;
  return (isVirtualFunction ? 8 : 0) + reach + (deviceId === undefined ? 1 : 0);
}
