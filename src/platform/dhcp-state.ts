// Whether an interface has its addresses from DHCP, asked of whoever runs the
// client: a lease that is held, or the configuration that will get one.

import { existsSync, readdirSync } from "node:fs";
import { keyValue, readTextIfAny } from "./key-value-file.ts";
import type { NetworkInterface } from "./network.ts";
import type { Paths } from "./paths.ts";

/** One way to know; undefined when this manager does not have the interface. */
type Witness = (subject: NetworkInterface, root: string) => DhcpState | undefined;

type Places = Pick<Paths, "root" | "proc">;

/** Whether DHCP is in use, for each family. */
export interface DhcpState {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/**
 * What the interface's manager says. Without one, what the kernel says (an IPv4
 * address that expires is a lease) and which clients run.
 */
export function dhcpState(subject: NetworkInterface, places: Places): DhcpState {
  const managed = networkd(subject, places.root) ?? networkManager(subject, places.root);
  if (managed !== undefined) {
    return managed;
  }
  const client = runningClient(subject.name, places);
  const leased = subject.addresses.some(({ family, expires }) => family === 4 && expires);
  return { ipv4: client.ipv4 || leased, ipv6: client.ipv6 };
}

const networkd: Witness = ({ index }, root) => {
  const link = readTextIfAny(`${root}/run/systemd/netif/links/${index}`);
  if (
    link === undefined ||
    ["unmanaged", "pending"].includes(keyValue(link, "ADMIN_STATE") ?? "")
  ) {
    return undefined;
  }
  const file = keyValue(link, "NETWORK_FILE");
  const wanted = (file === undefined ? undefined : networkdWants(file, root)) ?? "no";
  return {
    ipv4:
      readTextIfAny(`${root}/run/systemd/netif/leases/${index}`) !== undefined ||
      wanted === "yes" ||
      wanted === "ipv4",
    ipv6:
      keyValue(link, "DHCP6_CLIENT_DUID") !== undefined || wanted === "yes" || wanted === "ipv6",
  };
};

/** DHCP= of a .network file and its drop-ins, the last one winning (systemd.network(5)). */
function networkdWants(file: string, root: string): string | undefined {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const dropIns = ["/usr/lib", "/run", "/etc"].flatMap((directory) => {
    const path = `${root}${directory}/systemd/network/${name}.d`;
    return directoryNames(path).map((entry) => `${path}/${entry}`);
  });
  return [`${root}${file}`, ...dropIns]
    .map((path) => keyValue(readTextIfAny(path) ?? "", "DHCP", "Network"))
    .filter((value) => value !== undefined)
    .map((value) => (["true", "1", "on"].includes(value) ? "yes" : value))
    .at(-1);
}

/** The device's state file names the profile; the profile says how. */
const networkManager: Witness = ({ index }, root) => {
  const device = readTextIfAny(`${root}/run/NetworkManager/devices/${index}`);
  const uuid = keyValue(device ?? "", "connection-uuid", "device");
  if (device === undefined || uuid === undefined) {
    return undefined;
  }
  for (const directory of ["/etc", "/run", "/usr/lib"]) {
    const path = `${root}${directory}/NetworkManager/system-connections`;
    for (const name of directoryNames(path)) {
      const profile = readTextIfAny(`${path}/${name}`) ?? "";
      if (keyValue(profile, "uuid", "connection") === uuid) {
        const method6 = keyValue(profile, "method", "ipv6");
        return {
          ipv4: keyValue(profile, "method", "ipv4") === "auto",
          ipv6: method6 === "dhcp" || /^\[dhcp6\]$/m.test(device),
        };
      }
    }
  }
  // An ifcfg or in-memory profile: the options of the lease are all there is to see.
  return { ipv4: /^\[dhcp4\]$/m.test(device), ipv6: /^\[dhcp6\]$/m.test(device) };
};

/** Clients of one interface that run: dhclient, dhcpcd, udhcpc, and wicked's leases. */
function runningClient(name: string, { root, proc }: Places): DhcpState {
  const runs = (file: string) => {
    const pid = (readTextIfAny(`${root}${file}`) ?? "").trim();
    return /^\d+$/.test(pid) && existsSync(`${proc}/${pid}`);
  };
  const leased = (family: string) =>
    existsSync(`${root}/run/wicked/leaseinfo.${name}.dhcp.${family}`);
  return {
    ipv4:
      [
        `/run/dhclient.${name}.pid`,
        `/run/dhclient-${name}.pid`,
        `/run/dhcpcd-${name}.pid`,
        `/run/dhcpcd/${name}.pid`,
        `/run/dhcpcd/${name}-4.pid`,
        `/run/udhcpc.${name}.pid`,
      ].some(runs) || leased("ipv4"),
    ipv6:
      [
        `/run/dhclient6.${name}.pid`,
        `/run/dhclient6-${name}.pid`,
        `/run/dhcpcd/${name}-6.pid`,
      ].some(runs) || leased("ipv6"),
  };
}

function directoryNames(path: string): string[] {
  try {
    return readdirSync(path).toSorted();
  } catch {
    // No such directory: nothing is configured there.
    return [];
  }
}
