// ifupdown: stanzas of our own in /etc/network/interfaces.d, which take the place of
// those that are elsewhere (interfaces(5)).

import { cloudInitHandsOff } from "../cloud-init.ts";
import { ipv4Mask } from "../ip-address.ts";
import type { FamilyConfiguration, IpConfiguration } from "../ip-configuration.ts";
import { lastingSteps } from "../lasting-step.ts";
import type { Machine } from "../machine.ts";
import {
  type Manager,
  ownFileComment,
  requirePlainName,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";
import type { FileChange, Step } from "../plan.ts";
import { staticResolvConf } from "../resolv-conf.ts";
import { isInterface, type Stanza, stanzasText, startsInterface } from "./interfaces-file.ts";
import { isRead, mainFile, readSources, type Source } from "./interfaces-sources.ts";

const directory = "/etc/network/interfaces.d";

/** What the main file gets where nothing in it names our files. */
const ownSource = `source ${directory}/hvguest-*`;

/** Options that are about addresses; everything else of a stanza goes on. */
const addressOptions = new Set([
  "address",
  "netmask",
  "network",
  "broadcast",
  "gateway",
  "pointopoint",
  "metric",
  "hostname",
  "leasehours",
  "leasetime",
  "vendor",
  "client",
  "accept_ra",
  "autoconf",
  "privext",
  "dns-nameserver",
  "dns-nameservers",
]);

export const ifupdown: Manager = {
  name: "ifupdown",

  async manages(target, machine) {
    const answer = await machine.ask("ifquery", target.name);
    return answer?.status === 0;
  },

  plan({ target, configuration }, machine) {
    requirePlainName(target);
    const ifup = requireProgram(machine, "ifup");
    const ifdown = requireProgram(machine, "ifdown");
    const path = `${directory}/hvguest-${target.name.replaceAll(/[^A-Za-z0-9_-]/g, "_")}`;
    const sources = readSources(machine);
    const old = sources.flatMap(({ stanzas }) => stanzas);
    const own = [
      ownFileComment,
      ...(sources.some((one) => one.path !== path && one.isLasting && starts(one.stanzas, target))
        ? []
        : [`auto ${target.name}`]),
      ...inetLines(target, configuration, old),
      ...inet6Lines(target, configuration, old),
    ];
    const isDhcp = configuration.ipv4.method === "automatic";
    const script = { program: ifup, args: [target.name] };
    const { activate, abandon, reactivate } = lastingSteps(script, machine, !isDhcp);
    return Promise.resolve({
      manager: "ifupdown",
      interfaceName: target.name,
      before: [{ program: ifdown, args: [target.name], mayFail: true }, ...flush(target, machine)],
      files: [
        ...otherFiles(path, sources, target),
        { path, text: `${own.join("\n")}\n`, mode: 0o644 },
        ...staticResolvConf(configuration, machine),
        ...cloudInitHandsOff(machine),
      ],
      activate,
      abandon,
      // An ifdown that was killed leaves addresses, at which ifup would fail.
      reactivate: [...flush(target, machine), ...reactivate],
      isVerified: true,
    });
  },
};

function starts(stanzas: readonly Stanza[], { name }: Target): boolean {
  return stanzas.some((stanza) => startsInterface(stanza, name));
}

/**
 * The file without the interface's stanzas. That goes for files of /run too, though
 * cloud-init's udev helper makes them anew at each boot, with DHCP: beside the
 * host's addresses then, which come first. But now ifup would wait for that lease.
 */
function withoutInterface({ text, stanzas }: Source, { name }: Target): string {
  return stanzas.some((stanza) => isInterface(stanza, name))
    ? stanzasText(stanzas.filter((stanza) => !isInterface(stanza, name)))
    : text;
}

/** The files that are not ours, where they are to change. */
function otherFiles(ownPath: string, sources: readonly Source[], target: Target): FileChange[] {
  return sources
    .filter(({ path }) => path !== ownPath)
    .map((source) => {
      const kept = withoutInterface(source, target);
      const isOursMissing = source.path === mainFile && !isRead(ownPath, sources);
      return { source, text: isOursMissing ? `${endedLine(kept)}${ownSource}\n` : kept };
    })
    .filter(({ source, text }) => text !== source.text)
    .map(({ source: { path }, text }) => ({ path, text }));
}

function endedLine(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function inetLines(target: Target, { ipv4 }: IpConfiguration, old: readonly Stanza[]): string[] {
  const others = otherOptions(old, target, "inet");
  const head = `iface ${target.name} inet`;
  switch (ipv4.method) {
    case "automatic":
      return ["", `${head} dhcp`, ...dnsLines(ipv4), ...others];
    case "none":
      return ["", `${head} manual`, ...others];
    case "static":
      return familyLines(head, ipv4, others);
  }
}

function inet6Lines(target: Target, { ipv6 }: IpConfiguration, old: readonly Stanza[]): string[] {
  const others = otherOptions(old, target, "inet6");
  const head = `iface ${target.name} inet6`;
  if (ipv6.method === "static") {
    return familyLines(head, ipv6, ["    accept_ra 0", ...others]);
  }
  // What was automatic goes on as it was; what was static is left to the kernel.
  const method = old
    .filter((stanza) => isInterface(stanza, target.name, "inet6"))
    .map(({ words }) => words[3] ?? "")
    .find((one) => ["auto", "dhcp"].includes(one));
  return method === undefined ? [] : ["", `${head} ${method}`, ...dnsLines(ipv6), ...others];
}

/** A stanza for each address; the first has everything that is there once. */
function familyLines(
  head: string,
  family: FamilyConfiguration,
  others: readonly string[],
): string[] {
  return family.addresses.flatMap(({ family: version, text, length }, index) => [
    "",
    `${head} static`,
    `    address ${text}`,
    `    netmask ${version === 4 ? ipv4Mask(length) : length}`,
    ...(index === 0 ? [...gatewayLines(family), ...dnsLines(family), ...others] : []),
  ]);
}

function gatewayLines({ gateways }: FamilyConfiguration): string[] {
  return gateways.map(({ family, text, isOnLink }, index) => {
    if (index === 0 && !isOnLink) {
      return `    gateway ${text}`;
    }
    const ip = family === 4 ? "ip" : "ip -6";
    const metric = index > 0 ? ` metric ${standbyMetric(index)}` : "";
    return `    up ${ip} route add default via ${text} dev $IFACE${isOnLink ? " onlink" : ""}${metric}`;
  });
}

function dnsLines({ dnsServers }: FamilyConfiguration): string[] {
  return dnsServers.length === 0
    ? []
    : [`    dns-nameservers ${dnsServers.map(({ text }) => text).join(" ")}`];
}

/** The options of the interface's stanzas of a family that are not about addresses, each once. */
function otherOptions(
  old: readonly Stanza[],
  { name }: Target,
  family: "inet" | "inet6",
): string[] {
  const options = old
    .filter((stanza) => isInterface(stanza, name, family))
    .flatMap(({ options: ofStanza }) => ofStanza)
    .filter((line) => !addressOptions.has(line.split(/\s+/)[0] ?? ""))
    // Ours, of the last time.
    .filter((line) => !/^up ip (?:-6 )?route add default via /.test(line));
  return [...new Set(options)].map((line) => `    ${line}`);
}

/** ifdown leaves what it did not set: an address of the initramfs, or of another manager. */
function flush({ name }: Target, machine: Machine): Step[] {
  const ip = machine.program("ip");
  return ip === undefined
    ? []
    : [{ program: ip, args: ["address", "flush", "dev", name, "scope", "global"], mayFail: true }];
}
