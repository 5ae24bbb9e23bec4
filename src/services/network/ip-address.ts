// IP addresses, masks and prefix lengths as hosts and configuration files spell them.

import { isIPv4, isIPv6 } from "node:net";

export interface IpAddress {
  readonly family: 4 | 6;
  /** As the kernel prints it: lower case, the longest run of zero groups cut (RFC 5952). */
  readonly text: string;
}

/** An address with the length of its network part. */
export interface IpPrefix extends IpAddress {
  readonly length: number;
}

/** Reads an address; undefined for anything else, also for one with a zone (`fe80::1%eth0`). */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) {
    return { family: 4, text };
  }
  if (isIPv6(text) && !text.includes("%")) {
    return { family: 6, text: shortIpv6(groupsOf(text)) };
  }
  return undefined;
}

/**
 * The prefix length that a subnet of the family stands for: `255.255.255.0`, `24`,
 * `/24`, `ffff:ffff::`, `64`, `/64`. Undefined for anything else, and for masks with holes.
 */
export function parseSubnet(text: string, family: 4 | 6): number | undefined {
  const number = /^\/?(\d{1,3})$/.exec(text)?.[1];
  if (number !== undefined) {
    const length = Number(number);
    return length <= addressBits(family) ? length : undefined;
  }
  if (parseAddress(text)?.family !== family) {
    return undefined;
  }
  return /^(1*)0*$/.exec(bitsOf(text))?.[1]?.length;
}

/** Bits of an address of the family. */
export function addressBits(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

/** Whether `address` is in the network of `prefix`. */
export function contains(prefix: IpPrefix, address: IpAddress): boolean {
  return (
    prefix.family === address.family &&
    bitsOf(prefix.text).slice(0, prefix.length) === bitsOf(address.text).slice(0, prefix.length)
  );
}

/** Whether an interface may have this address: unicast, and not the loopback's. */
export function isAssignable({ family, text }: IpAddress): boolean {
  const bits = bitsOf(text);
  return family === 4
    ? !/^(0{8}|01111111|111)/.test(bits)
    : !/^(0{127}|11111111|0{80}1{16})/.test(bits);
}

export function isLinkLocalIpv6({ family, text }: IpAddress): boolean {
  return family === 6 && bitsOf(text).startsWith("1111111010");
}

/** `255.255.255.0` for 24. */
export function ipv4Mask(length: number): string {
  return [0, 8, 16, 24]
    .map((start) => Math.min(Math.max(length - start, 0), 8))
    .map((bits) => 256 - 2 ** (8 - bits))
    .join(".");
}

/** All eight groups with four digits each, as the C daemon writes IPv6 addresses. */
export function fullIpv6(text: string): string {
  return groupsOf(text)
    .map((group) => group.toString(16).padStart(4, "0"))
    .join(":");
}

function bitsOf(text: string): string {
  return isIPv4(text)
    ? text
        .split(".")
        .map((part) => Number(part).toString(2).padStart(8, "0"))
        .join("")
    : groupsOf(text)
        .map((group) => group.toString(2).padStart(16, "0"))
        .join("");
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const colons =
    dotted === null
      ? text
      : [
          dotted[1],
          (Number(dotted[2]) * 256 + Number(dotted[3])).toString(16),
          ":",
          (Number(dotted[4]) * 256 + Number(dotted[5])).toString(16),
        ].join("");
  const [head = [], tail = []] = colons
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

function shortIpv6(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(":");
  const runs = [...text.matchAll(/\b0(?::0)+\b/g)];
  const longest = runs.toSorted((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) {
    return text;
  }
  const head = text.slice(0, longest.index).replace(/:$/, "");
  const tail = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${head}::${tail}`;
}
