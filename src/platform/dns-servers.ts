// The name servers that an interface uses, from the files of whoever sets them.
// A stub on this machine is never told: only it knows what it asks.

import { isIP } from "node:net";
import { keyValue, readTextIfAny } from "./key-value-file.ts";

/**
 * The servers of the interface itself where somebody keeps them apart, else
 * those of the whole machine; `root` comes before every path.
 */
export function dnsServers(index: number, root: string): string[] {
  for (const servers of perInterface(index, root)) {
    if (servers.length > 0) {
      return servers;
    }
  }
  for (const file of machineFiles) {
    const servers = nameservers(readTextIfAny(`${root}${file}`) ?? "");
    if (servers.length > 0) {
      return servers;
    }
  }
  return [];
}

/** systemd-networkd's state, and what others (NetworkManager) have told systemd-resolved. */
function* perInterface(index: number, root: string): Generator<string[]> {
  const networkd = readTextIfAny(`${root}/run/systemd/netif/links/${index}`);
  yield servers((keyValue(networkd ?? "", "DNS") ?? "").split(" "));
  const resolved = readTextIfAny(`${root}/run/systemd/resolve/netif/${index}`);
  yield servers((keyValue(resolved ?? "", "SERVERS") ?? "").split(" "));
}

/** In the order of trust: files behind a stub come before the file that names the stub. */
const machineFiles = [
  "/run/systemd/resolve/resolv.conf",
  "/run/NetworkManager/no-stub-resolv.conf",
  "/etc/resolv.conf",
];

function nameservers(text: string): string[] {
  return servers([...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server]) => server ?? ""));
}

/** Plain addresses out of `1.1.1.1`, `1.1.1.1:53#name`, `[fe80::1%eth0]:53`; no loopback. */
function servers(items: readonly string[]): string[] {
  const addresses = items
    .map((item) => item.replace(/#.*$/, ""))
    .map((item) => /^\[(.*)\](?::\d+)?$/.exec(item)?.[1] ?? item)
    .map((item) => (/^[\d.]+:\d+$/.test(item) ? item.slice(0, item.indexOf(":")) : item))
    .map((item) => item.replace(/%.*$/, ""))
    .filter((item) => isIP(item) !== 0 && !item.startsWith("127.") && item !== "::1");
  return [...new Set(addresses)].toSorted((a, b) => isIP(a) - isIP(b));
}
