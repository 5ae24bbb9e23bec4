// Which of a machine's addresses its host should see, and in which order: whoever
// asks the host for "the" address of a machine takes the first.

import type { InterfaceAddress, NetworkInterface } from "../../platform/network.ts";

/**
 * The addresses of one family for the host's list of all of them.
 *
 * Out are loopback, what matches `ignore` (names with `*`), SR-IOV functions,
 * members of bridges and bonds (whose addresses their master has), veth, and
 * bridges without hardware in them. Then come, each in the order of interface
 * indexes: Hyper-V adapters, what is built on one (bridge, bond, VLAN), other
 * hardware, the rest (tunnels). Link-local addresses come after all others.
 */
export function addressesForHost(
  interfaces: readonly NetworkInterface[],
  family: 4 | 6,
  ignore: readonly string[],
): InterfaceAddress[] {
  const globs = ignore.map((pattern) => new Bun.Glob(pattern));
  const byIndex = new Map(interfaces.map((subject) => [subject.index, subject]));
  return interfaces
    .filter((subject) => isReported(subject, interfaces, byIndex))
    .filter(({ name }) => !globs.some((glob) => glob.match(name)))
    .toSorted((a, b) => rank(a, interfaces) - rank(b, interfaces) || a.index - b.index)
    .flatMap(({ addresses }) => addresses.filter((address) => address.family === family))
    .toSorted((a, b) => Number(a.isLinkLocal) - Number(b.isLinkLocal));
}

function isReported(
  subject: NetworkInterface,
  interfaces: readonly NetworkInterface[],
  byIndex: ReadonlyMap<number, NetworkInterface>,
): boolean {
  if (subject.isLoopback || subject.isVirtualFunction || subject.kind === "veth") {
    return false;
  }
  const master = subject.master === undefined ? undefined : byIndex.get(subject.master);
  if (master !== undefined && master.kind !== "vrf") {
    return false;
  }
  return (
    subject.kind !== "bridge" || standsOn(subject, interfaces, ({ kind }) => kind === undefined)
  );
}

function rank(subject: NetworkInterface, interfaces: readonly NetworkInterface[]): number {
  if (subject.deviceId !== undefined) {
    return 0;
  }
  if (standsOn(subject, interfaces, ({ deviceId }) => deviceId !== undefined)) {
    return 1;
  }
  return subject.kind === undefined ? 2 : 3;
}

/** Whether an interface somewhere below `subject` is what `wanted` says. */
export function standsOn(
  subject: NetworkInterface,
  interfaces: readonly NetworkInterface[],
  wanted: (below: NetworkInterface) => boolean,
  seen: ReadonlySet<number> = new Set(),
): boolean {
  if (seen.has(subject.index)) {
    return false;
  }
  const visited = new Set([...seen, subject.index]);
  return interfaces
    .filter(({ index, master }) => index === subject.lower || master === subject.index)
    .some((below) => wanted(below) || standsOn(below, interfaces, wanted, visited));
}
