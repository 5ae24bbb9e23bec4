// netplan: a file of our own beside the others. netplan joins lists of all files,
// so what the others say of the interface's addresses is taken out of them.

import { type Document, isMap, isSeq, parseDocument, stringify, type YAMLMap } from "yaml";
import { cloudInitHandsOff } from "../cloud-init.ts";
import type { FamilyConfiguration, IpConfiguration } from "../ip-configuration.ts";
import type { Machine } from "../machine.ts";
import {
  type Manager,
  ownFileComment,
  PlanError,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";
import type { FileChange } from "../plan.ts";
import { activeProfileFile } from "./network-manager.ts";
import { fileName, networkFile } from "./networkd.ts";

const directory = "/etc/netplan";

export const netplan: Manager = {
  name: "netplan",

  async manages(target, machine) {
    if (machine.program("netplan") === undefined) {
      return false;
    }
    const generated = networkFile(target, machine)?.startsWith("/run/systemd/network/10-netplan-");
    return generated === true || (await isProfileOfNetplan(target, machine));
  },

  startsLater: (machine) =>
    Promise.resolve(machine.program("netplan") !== undefined && yamlFiles(machine).length > 0),

  plan({ target, configuration }, machine) {
    const program = requireProgram(machine, "netplan");
    const path = `${directory}/90-hvguest-${fileName(target.name)}.yaml`;
    const others = foreignFiles(path, target, configuration, machine);
    const own = ownText(others.id ?? target.name, configuration);
    const apply = [{ program, args: ["apply"] }];
    return Promise.resolve({
      manager: "netplan",
      interfaceName: target.name,
      before: [],
      files: [...others.files, { path, text: own, mode: 0o600 }, ...cloudInitHandsOff(machine)],
      activate: apply,
      reactivate: apply,
      // netplan is no daemon: it makes the files of those that start later.
      activateLate: [{ program, args: ["generate"] }],
      isVerified: true,
    });
  },
};

async function isProfileOfNetplan(target: Target, machine: Machine): Promise<boolean> {
  const file = await activeProfileFile(target, machine);
  return file?.startsWith("/run/NetworkManager/system-connections/netplan-") === true;
}

/** Other files without what they say of the interface's addresses, and its name in them. */
function foreignFiles(
  ownPath: string,
  target: Target,
  configuration: IpConfiguration,
  machine: Machine,
): { readonly id: string | undefined; readonly files: readonly FileChange[] } {
  let id: string | undefined;
  const files: FileChange[] = [];
  for (const [name, path] of yamlFiles(machine)) {
    const text = machine.read(path) ?? "";
    if (path === ownPath) {
      continue;
    }
    const document = parseDocument(text);
    if (document.errors.length > 0) {
      throw new PlanError(`parse '${path}': ${document.errors[0]?.message.split("\n")[0]}`);
    }
    const ids = definitionsOf(document, target);
    if (ids.length === 0) {
      continue;
    }
    id = ids.at(-1);
    for (const each of ids) {
      removeAddresses(document, each, configuration);
    }
    // A file in /etc stands for one of the same name in /lib, and one in /run for both.
    const place = path.startsWith("/run/") ? path : `${directory}/${name}`;
    files.push({ path: place, text: document.toString() });
  }
  return { id, files };
}

/** [name, path] in the order in which netplan reads them. */
function yamlFiles(machine: Machine): [string, string][] {
  const paths = new Map<string, string>();
  for (const place of ["/lib/netplan", directory, "/run/netplan"]) {
    for (const name of machine.list(place).filter((entry) => entry.endsWith(".yaml"))) {
      paths.set(name, `${place}/${name}`);
    }
  }
  return [...paths].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** The names under `ethernets` that stand for this interface and no other. */
function definitionsOf(document: Document, { name, mac }: Target): string[] {
  const ethernets = document.getIn(["network", "ethernets"]);
  if (!isMap(ethernets)) {
    return [];
  }
  return ethernets.items
    .map(({ key }) => String(key))
    .filter((id) => {
      const match = ethernets.getIn([id, "match"]);
      if (!isMap(match)) {
        return id === name;
      }
      return (
        ethernets.getIn([id, "set-name"]) === name ||
        match.get("name") === name ||
        scalarText(match.get("macaddress")).toUpperCase() === mac
      );
    });
}

function removeAddresses(document: Document, id: string, { ipv6 }: IpConfiguration): void {
  const definition = document.getIn(["network", "ethernets", id]);
  if (!isMap(definition)) {
    return;
  }
  const keys = ["addresses", "gateway4", "gateway6", "dhcp4"];
  for (const key of ipv6.method === "static" ? [...keys, "dhcp6", "accept-ra"] : keys) {
    definition.delete(key);
  }
  const servers = definition.get("nameservers");
  if (isMap(servers)) {
    servers.delete("addresses");
  }
  const routes = definition.get("routes");
  if (isSeq(routes)) {
    routes.items = routes.items.filter((route) => !isMap(route) || !isDefaultRoute(route));
  }
  for (const [key, rest] of [["routes", routes] as const, ["nameservers", servers] as const]) {
    if ((isSeq(rest) || isMap(rest)) && rest.items.length === 0) {
      definition.delete(key);
    }
  }
}

function isDefaultRoute(route: YAMLMap): boolean {
  return ["default", "0.0.0.0/0", "::/0"].includes(scalarText(route.get("to")));
}

function scalarText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function ownText(id: string, { ipv4, ipv6 }: IpConfiguration): string {
  const addresses = [...ipv4.addresses, ...ipv6.addresses];
  const routes = [...routesOf(ipv4, "0.0.0.0/0"), ...routesOf(ipv6, "::/0")];
  const servers = [...ipv4.dnsServers, ...ipv6.dnsServers].map(({ text }) => text);
  const isDhcp = ipv4.method === "automatic";
  const definition = {
    dhcp4: isDhcp,
    ...(isDhcp && ipv4.dnsServers.length > 0 ? { "dhcp4-overrides": { "use-dns": false } } : {}),
    ...(ipv6.method === "static" ? { dhcp6: false, "accept-ra": false } : {}),
    ...(addresses.length > 0
      ? { addresses: addresses.map(({ text, length }) => `${text}/${length}`) }
      : {}),
    ...(routes.length > 0 ? { routes } : {}),
    ...(servers.length > 0 ? { nameservers: { addresses: servers } } : {}),
  };
  return `${ownFileComment}\n${stringify({
    network: { version: 2, ethernets: { [id]: definition } },
  })}`;
}

function routesOf({ gateways }: FamilyConfiguration, to: string): object[] {
  return gateways.map(({ text, isOnLink }, index) => ({
    to,
    via: text,
    ...(isOnLink ? { "on-link": true } : {}),
    ...(index > 0 ? { metric: standbyMetric(index) } : {}),
  }));
}
