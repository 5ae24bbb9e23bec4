// systemd-networkd: a .network file of our own that is read before the one in
// use, and goes on with what in there is not about addresses (systemd.network(5)).

import { keyValue } from "../../../platform/key-value-file.ts";
import type { FamilyConfiguration, IpConfiguration } from "../ip-configuration.ts";
import { iniKey, iniSections, type IniSection, iniText } from "../ini-sections.ts";
import type { Machine } from "../machine.ts";
import {
  isPlainName,
  isUnitEnabled,
  type Manager,
  ownFileComment,
  PlanError,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";

const directory = "/etc/systemd/network";

/** Keys of [Network] that say where addresses come from. */
const addressKeys = new Set(["DHCP", "Address", "Gateway", "DNS", "IPv6AcceptRA"]);

export const networkd: Manager = {
  name: "networkd",

  async manages(target, machine) {
    const active = await machine.ask("systemctl", "is-active", "systemd-networkd.service");
    const state = keyValue(linkState(target, machine), "ADMIN_STATE") ?? "unmanaged";
    return active?.status === 0 && state !== "unmanaged";
  },

  startsLater: (machine) => isUnitEnabled(machine, "systemd-networkd.service"),

  plan({ target, configuration }, machine) {
    const networkctl = requireProgram(machine, "networkctl");
    const path = `${directory}/00-hvguest-${fileName(target.name)}.network`;
    const current = networkFile(target, machine);
    if (current !== undefined && current !== path && baseName(current) < baseName(path)) {
      throw new PlanError(`'${current}' is read before '${path}'`);
    }
    const apply = [
      { program: networkctl, args: ["reload"] },
      { program: networkctl, args: ["reconfigure", target.name] },
    ];
    const kept = current === undefined ? "" : withDropIns(current, machine);
    return Promise.resolve({
      manager: "networkd",
      interfaceName: target.name,
      before: [],
      files: [{ path, text: networkText(target, configuration, kept), mode: 0o644 }],
      activate: apply,
      reactivate: apply,
      isVerified: true,
    });
  },
};

/** The .network file that is in use; undefined when there is none. */
export function networkFile(target: Target, machine: Machine): string | undefined {
  return keyValue(linkState(target, machine), "NETWORK_FILE");
}

function linkState({ index }: Target, machine: Machine): string {
  return machine.read(`/run/systemd/netif/links/${index}`) ?? "";
}

/** The new file, with everything of `kept` that is not about addresses. */
function networkText(target: Target, { ipv4, ipv6 }: IpConfiguration, kept: string): string {
  const sections = iniSections(kept).flatMap(withoutAddresses);
  const network = [
    `DHCP=${ipv4.method === "automatic" ? "ipv4" : "no"}`,
    ...(ipv6.method === "static" ? ["IPv6AcceptRA=no"] : []),
    ...[...ipv4.addresses, ...ipv6.addresses].map(
      ({ text, length }) => `Address=${text}/${length}`,
    ),
    ...[...ipv4.dnsServers, ...ipv6.dnsServers].map(({ text }) => `DNS=${text}`),
  ];
  const usesGivenDns = ipv4.method === "automatic" && ipv4.dnsServers.length > 0;
  return [
    `${ownFileComment}\n`,
    iniText([
      { name: "Match", lines: [matchLine(target)] },
      { name: "Network", lines: network },
      ...routes(ipv4),
      ...routes(ipv6),
      ...sections,
      // After what was kept, so that it wins.
      { name: "DHCPv4", lines: usesGivenDns ? ["UseDNS=no"] : [] },
    ]),
  ].join("");
}

function withoutAddresses({ name, lines }: IniSection): IniSection[] {
  switch (name) {
    case "Match":
    case "Address":
      return [];
    case "Network":
      return [{ name, lines: lines.filter((line) => !addressKeys.has(iniKey(line))) }];
    case "DHCPv4":
      return [{ name, lines: lines.filter((line) => iniKey(line) !== "UseDNS") }];
    case "Route":
      return lines.some((line) => iniKey(line) === "Destination" && !isDefaultRoute(line))
        ? [{ name, lines }]
        : [];
    default:
      return [{ name, lines }];
  }
}

function isDefaultRoute(line: string): boolean {
  return /=\s*(?:0\.0\.0\.0\/0|::\/0)$/.test(line);
}

function routes({ gateways }: FamilyConfiguration): IniSection[] {
  return gateways.map(({ text, isOnLink }, index) => ({
    name: "Route",
    lines: [
      `Gateway=${text}`,
      ...(isOnLink ? ["GatewayOnLink=yes"] : []),
      ...(index > 0 ? [`Metric=${standbyMetric(index)}`] : []),
    ],
  }));
}

/** Name= takes patterns; a name with characters of its own is matched by its MAC. */
function matchLine({ name, mac }: Target): string {
  return isPlainName(name) ? `Name=${name}` : `MACAddress=${mac}`;
}

function withDropIns(path: string, machine: Machine): string {
  const name = baseName(path);
  const texts = ["/usr/lib", "/run", "/etc"].flatMap((prefix) => {
    const dropIns = `${prefix}/systemd/network/${name}.d`;
    return machine.list(dropIns).map((entry) => machine.read(`${dropIns}/${entry}`) ?? "");
  });
  return [machine.read(path) ?? "", ...texts].join("\n");
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A file's name out of an interface's, which may have any character but `/`. */
export function fileName(interfaceName: string): string {
  return interfaceName.replaceAll(
    /[^A-Za-z0-9_-]/g,
    (character) => `_${character.codePointAt(0)?.toString(16)}_`,
  );
}
