// wicked of SUSE: /etc/sysconfig/network, ifcfg(5), ifroute(5), netconfig(8).

import type { FamilyConfiguration, IpConfiguration } from "../ip-configuration.ts";
import type { Machine } from "../machine.ts";
import {
  isUnitEnabled,
  type Manager,
  ownFileComment,
  requirePlainName,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";
import type { FileChange, Step } from "../plan.ts";
import { otherAssignments, withAssignment } from "./shell-assignments.ts";

const directory = "/etc/sysconfig/network";

const addressVariable =
  /^(?:BOOTPROTO|STARTMODE|IPADDR\w*|NETMASK\w*|PREFIXLEN\w*|BROADCAST\w*|NETWORK\w*|LABEL\w*|SCOPE\w*|REMOTE_IPADDR\w*)$/;

export const wicked: Manager = {
  name: "wicked",

  async manages(target, machine) {
    const answer = await machine.ask("wicked", "ifstatus", "--brief", target.name);
    return answer?.status === 0 && !/\bdevice-unconfigured\b/.test(answer.stdout);
  },

  startsLater: (machine) => isUnitEnabled(machine, "wicked.service"),

  plan({ target, configuration }, machine) {
    requirePlainName(target);
    const program = requireProgram(machine, "wicked");
    const path = `${directory}/ifcfg-${target.name}`;
    const kept = otherAssignments(machine.read(path) ?? "", addressVariable);
    const apply: Step[] = [
      ...netconfig(configuration, machine),
      { program, args: ["ifreload", target.name] },
    ];
    return Promise.resolve({
      manager: "wicked",
      interfaceName: target.name,
      before: [],
      files: [
        { path, text: ifcfgText(configuration, kept), mode: 0o644 },
        ...routeFile(target, configuration, machine),
        ...dnsFile(configuration, machine),
      ],
      activate: apply,
      reactivate: apply,
      isVerified: true,
    });
  },
};

function ifcfgText({ ipv4, ipv6 }: IpConfiguration, kept: readonly string[]): string {
  const lines = [
    "STARTMODE='auto'",
    `BOOTPROTO='${ipv4.method === "automatic" ? "dhcp4" : "static"}'`,
    ...[...ipv4.addresses, ...ipv6.addresses].map(
      ({ text, length }, index) => `IPADDR${index === 0 ? "" : `_${index}`}='${text}/${length}'`,
    ),
    ...kept,
  ];
  return `${ownFileComment}\n${lines.join("\n")}\n`;
}

/** `destination gateway netmask interface options`; default routes are ours, the rest goes on. */
function routeFile(
  { name }: Target,
  { ipv4, ipv6 }: IpConfiguration,
  machine: Machine,
): FileChange[] {
  const path = `${directory}/ifroute-${name}`;
  const text = machine.read(path);
  const others = (text ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^\s*(?:default|0\.0\.0\.0\/0|::\/0)\s/.test(line));
  const lines = [...routeLines(name, ipv4), ...routeLines(name, ipv6), ...others];
  if (lines.length === 0) {
    return text === undefined ? [] : [{ path, text: undefined }];
  }
  return [{ path, text: `${lines.join("\n")}\n`, mode: 0o644 }];
}

function routeLines(name: string, { gateways }: FamilyConfiguration): string[] {
  return gateways.map(
    ({ text }, index) =>
      `default ${text} - ${name}${index > 0 ? ` metric ${standbyMetric(index)}` : ""}`,
  );
}

/** DNS servers are the whole machine's here. */
function dnsFile({ ipv4, ipv6 }: IpConfiguration, machine: Machine): FileChange[] {
  const path = `${directory}/config`;
  const servers = [...ipv4.dnsServers, ...ipv6.dnsServers].map(({ text }) => text);
  const text = machine.read(path) ?? "";
  return servers.length === 0
    ? []
    : [{ path, text: withAssignment(text, "NETCONFIG_DNS_STATIC_SERVERS", servers.join(" ")) }];
}

function netconfig({ ipv4, ipv6 }: IpConfiguration, machine: Machine): Step[] {
  const program = machine.program("netconfig");
  const hasServers = ipv4.dnsServers.length + ipv6.dnsServers.length > 0;
  return program === undefined || !hasServers
    ? []
    : [{ program, args: ["update", "-f"], mayFail: true }];
}
