// netplan: a file of our own beside the others. netplan joins lists of all files,
// so what the others say of the interface's addresses is taken out of them.

import { Document, isMap, isSeq, parseDocument, stringify, type YAMLMap } from "yaml";
import { cloudInitHandsOff } from "../cloud-init.ts";
import type { FamilyConfiguration, IpConfiguration } from "../ip-configuration.ts";
import type { Machine } from "../machine.ts";
import {
  isPlainName,
  type Manager,
  ownFileComment,
  PlanError,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";
import type { FileChange } from "../plan.ts";
import {
  definitionsOn,
  ethernetsOf,
  type Fields,
  isAbout,
  isForNetworkManager,
  isTakenBefore,
  joined,
  networkOf,
} from "./netplan-definitions.ts";
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
    const others = foreignFiles(path, machine);
    const places = placesOf(target, others, machine);
    const own = ownText(places, target, configuration);
    const apply = [{ program, args: ["apply"] }];
    return Promise.resolve({
      manager: "netplan",
      interfaceName: target.name,
      before: [],
      files: [
        ...others.flatMap((file) => withoutAddresses(file, places.alone, configuration)),
        { path, text: own, mode: 0o600 },
        ...cloudInitHandsOff(machine),
      ],
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

interface ForeignFile {
  /** Where it is changed: a file in /etc stands for one in /lib, and one in /run for both. */
  readonly place: string;
  readonly document: Document;
  readonly content: unknown;
}

/** The files that are not ours. @throws PlanError for one that is no YAML */
function foreignFiles(ownPath: string, machine: Machine): ForeignFile[] {
  return yamlFiles(machine)
    .filter(([, path]) => path !== ownPath)
    .map(([name, path]) => {
      const document = parseDocument(machine.read(path) ?? "");
      if (document.errors.length > 0) {
        throw new PlanError(`parse '${path}': ${document.errors[0]?.message.split("\n")[0]}`);
      }
      const place = path.startsWith("/run/") ? path : `${directory}/${name}`;
      return { place, document, content: contentOf(path, document) };
    });
}

/** @throws PlanError for an alias of nothing, which is no fault of the grammar */
function contentOf(path: string, document: Document): unknown {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PlanError(`parse '${path}': ${reason}`, { cause: error });
  }
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

interface Places {
  /** The definitions that are about the interface and no other. */
  readonly alone: readonly string[];
  /** The definition that is to have the addresses. */
  readonly id: string;
  /** What it is to go on with when it takes the place of another; undefined when it does not. */
  readonly replaced?: Fields;
}

/**
 * Of several definitions that fit, systemd-networkd takes only the one whose
 * generated file it reads first: `all-eth: {match: {name: eth*}}` of Debian's cloud
 * images before `eth0`. Where that is not one of the interface alone, one that comes
 * before it goes on with what it says. NetworkManager knows no such order: there it
 * is the last one of the interface alone.
 * @throws PlanError when none can come before it, or others stand on what it replaces
 */
function placesOf(target: Target, files: readonly ForeignFile[], machine: Machine): Places {
  const network = networkOf(files.map(({ content }) => content));
  const definitions = ethernetsOf(network);
  const fitting = Object.entries(definitions)
    .map(([id, fields]) => ({ id, fields, about: isAbout(id, fields, target, machine) }))
    .filter(({ about }) => about !== "not");
  const alone = fitting.filter(({ about }) => about === "alone").map(({ id }) => id);
  const [first] = fitting
    .filter(({ fields }) => !isForNetworkManager(fields, network))
    .toSorted((one, other) => (isTakenBefore(one.id, other.id) ? -1 : 1));
  const ownId = first === undefined ? alone.at(-1) : alone.find((id) => id === first.id);
  if (ownId !== undefined) {
    return { alone, id: ownId };
  }
  const replaced = first ?? fitting.at(-1);
  // netplan ties a VLAN or a bridge to the definition: it would lose the interface.
  const [upper] = replaced === undefined ? [] : definitionsOn(replaced.id, network);
  if (replaced !== undefined && upper !== undefined) {
    throw new PlanError(
      `netplan's '${upper}' is on '${replaced.id}', of which '${target.name}' would be no part`,
    );
  }
  if (first === undefined && definitions[target.name] === undefined) {
    return { alone, id: target.name, ...(replaced && { replaced: replaced.fields }) };
  }
  const id = `00-hvguest-${fileName(target.name)}`;
  if (first !== undefined && !isTakenBefore(id, first.id)) {
    throw new PlanError(`netplan's '${first.id}' is read before '${id}'`);
  }
  return { alone, id, replaced: replaced?.fields ?? {} };
}

/** The file without what it says of the interface's addresses. */
function withoutAddresses(
  { place, document }: ForeignFile,
  ids: readonly string[],
  configuration: IpConfiguration,
): FileChange[] {
  const definitions = ids
    .map((id) => [id, document.getIn(["network", "ethernets", id])] as const)
    .filter(([id]) => document.hasIn(["network", "ethernets", id]));
  for (const [, definition] of definitions) {
    removeAddresses(definition, configuration);
  }
  return definitions.length === 0 ? [] : [{ path: place, text: document.toString() }];
}

function removeAddresses(definition: unknown, { ipv6 }: IpConfiguration): void {
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

function ownText({ id, replaced }: Places, target: Target, configuration: IpConfiguration): string {
  const { ipv4, ipv6 } = configuration;
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
  const whole =
    replaced === undefined
      ? definition
      : { match: matchOf(target), ...joined(otherFields(replaced, configuration), definition) };
  return `${ownFileComment}\n${stringify({
    network: { version: 2, ethernets: { [id]: whole } },
  })}`;
}

/** A name is matched by patterns; one with characters of its own is told by its MAC. */
function matchOf({ name, mac }: Target): Fields {
  return isPlainName(name) ? { name } : { macaddress: mac.toLowerCase() };
}

/** What a definition says besides addresses, and whom it is about. */
function otherFields(fields: Fields, configuration: IpConfiguration): Fields {
  const document = new Document(fields);
  removeAddresses(document.contents, configuration);
  const { match: _match, "set-name": _name, ...others }: Fields = document.toJS();
  return others;
}

function routesOf({ gateways }: FamilyConfiguration, to: string): object[] {
  return gateways.map(({ text, isOnLink }, index) => ({
    to,
    via: text,
    ...(isOnLink ? { "on-link": true } : {}),
    ...(index > 0 ? { metric: standbyMetric(index) } : {}),
  }));
}
