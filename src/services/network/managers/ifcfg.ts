// The network scripts of RHEL 7 and 8 without NetworkManager:
// /etc/sysconfig/network-scripts (initscripts' sysconfig.txt).

import { keyValue } from "../../../platform/key-value-file.ts";
import { cloudInitHandsOff } from "../cloud-init.ts";
import { ipv4Mask } from "../ip-address.ts";
import type { IpConfiguration } from "../ip-configuration.ts";
import { lastingSteps } from "../lasting-step.ts";
import {
  isUnitEnabled,
  type Manager,
  ownFileComment,
  requirePlainName,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";
import type { FileChange } from "../plan.ts";
import { isUnmanaged } from "./network-manager.ts";
import { otherAssignments } from "./shell-assignments.ts";

const directory = "/etc/sysconfig/network-scripts";

/** Variables that are about addresses; the rest of the file goes on. */
const addressVariable =
  /^(?:BOOTPROTO|IPADDR\d*|NETMASK\d*|PREFIX\d*|BROADCAST|NETWORK|GATEWAY\d*|DNS\d+|PEERDNS|DEFROUTE|IPV6INIT|IPV6ADDR|IPV6ADDR_SECONDARIES|IPV6_DEFAULTGW|IPV6_AUTOCONF|DEVICE|ONBOOT)$/;

export const ifcfg: Manager = {
  name: "ifcfg",

  async manages(target, machine) {
    const text = machine.read(`${directory}/ifcfg-${target.name}`);
    if (text === undefined || machine.program("ifup") === undefined) {
      return false;
    }
    // NetworkManager reads these files too, and its ifup does nothing but ask it:
    // where it is to run, the interface is its own, also while it is still to be started,
    // until it says itself that it is not.
    return (
      isLeftAlone(text) ||
      !(await isUnitEnabled(machine, "NetworkManager.service")) ||
      (await isUnmanaged(target, machine))
    );
  },

  plan({ target, configuration }, machine) {
    requirePlainName(target);
    const ifup = requireProgram(machine, "ifup");
    const ifdown = requireProgram(machine, "ifdown");
    const path = `${directory}/ifcfg-${target.name}`;
    const isDhcp = configuration.ipv4.method === "automatic";
    const kept = otherAssignments(machine.read(path) ?? "", addressVariable);
    return Promise.resolve({
      manager: "ifcfg",
      interfaceName: target.name,
      before: [{ program: ifdown, args: [target.name], mayFail: true }],
      files: [
        { path, text: ifcfgText(target, configuration, kept), mode: 0o644 },
        ...routeFile(target, "route", configuration.ipv4.gateways, machine.read),
        ...routeFile(target, "route6", configuration.ipv6.gateways, machine.read),
        ...cloudInitHandsOff(machine),
      ],
      ...lastingSteps({ program: ifup, args: [target.name] }, machine, !isDhcp),
      isVerified: true,
    });
  },
};

/** Whether NetworkManager is told to leave the interface to the scripts. */
function isLeftAlone(text: string): boolean {
  return /^(?:no|n|false|f|0)$/i.test(keyValue(text, "NM_CONTROLLED") ?? "");
}

function ifcfgText(
  { name }: Target,
  { ipv4, ipv6 }: IpConfiguration,
  kept: readonly string[],
): string {
  const [gateway4] = ipv4.gateways;
  const [gateway6] = ipv6.gateways;
  const [address6, ...secondaries6] = ipv6.addresses.map(({ text, length }) => `${text}/${length}`);
  const servers = [...ipv4.dnsServers, ...ipv6.dnsServers];
  const lines = [
    `DEVICE=${name}`,
    "ONBOOT=yes",
    `BOOTPROTO=${ipv4.method === "automatic" ? "dhcp" : "none"}`,
    ...ipv4.addresses.flatMap(({ text, length }, index) => [
      `IPADDR${index}=${text}`,
      `NETMASK${index}=${ipv4Mask(length)}`,
    ]),
    ...(gateway4 === undefined ? [] : [`GATEWAY=${gateway4.text}`]),
    "IPV6INIT=yes",
    `IPV6_AUTOCONF=${ipv6.method === "static" ? "no" : "yes"}`,
    ...(address6 === undefined ? [] : [`IPV6ADDR=${address6}`]),
    ...(secondaries6.length === 0 ? [] : [`IPV6ADDR_SECONDARIES="${secondaries6.join(" ")}"`]),
    ...(gateway6 === undefined ? [] : [`IPV6_DEFAULTGW=${gateway6.text}`]),
    ...(servers.length === 0 ? [] : ["PEERDNS=no"]),
    ...servers.map(({ text }, index) => `DNS${index + 1}=${text}`),
    ...kept,
  ];
  return `${ownFileComment}\n${lines.join("\n")}\n`;
}

/** Gateways after the first stand by in a file of routes, whose other lines go on. */
function routeFile(
  { name }: Target,
  kind: "route" | "route6",
  gateways: IpConfiguration["ipv4"]["gateways"],
  read: (path: string) => string | undefined,
): FileChange[] {
  const path = `${directory}/${kind}-${name}`;
  const text = read(path);
  const others = (text ?? "").split("\n").filter((line) => line !== "" && !/^default\b/.test(line));
  const standby = gateways
    .slice(1)
    .map(
      (gateway, index) =>
        `default via ${gateway.text} dev ${name} metric ${standbyMetric(index + 1)}`,
    );
  const lines = [...standby, ...others];
  if (lines.length === 0) {
    return text === undefined ? [] : [{ path, text: undefined }];
  }
  return [{ path, text: `${lines.join("\n")}\n` }];
}
