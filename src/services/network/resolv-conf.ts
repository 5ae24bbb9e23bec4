// /etc/resolv.conf where nobody generates it: the only place for DNS servers then.

import type { IpConfiguration } from "./ip-configuration.ts";
import type { Machine } from "./machine.ts";
import type { FileChange } from "./plan.ts";

const path = "/etc/resolv.conf";

/** The file with the configuration's servers; none where resolvconf or systemd-resolved has it. */
export function staticResolvConf({ ipv4, ipv6 }: IpConfiguration, machine: Machine): FileChange[] {
  const servers = [...ipv4.dnsServers, ...ipv6.dnsServers];
  const text = machine.read(path);
  if (
    servers.length === 0 ||
    machine.program("resolvconf") !== undefined ||
    machine.program("resolvectl") !== undefined ||
    machine.isLink(path)
  ) {
    return [];
  }
  const others = (text ?? "").split("\n").filter((line) => !/^\s*nameserver\b/.test(line));
  const lines = servers.map((server) => `nameserver ${server.text}`);
  return [{ path, text: `${[...lines, ...others].join("\n").trimEnd()}\n` }];
}
