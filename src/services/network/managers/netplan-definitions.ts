// The definitions of netplan's files: joined as netplan joins them, and which of
// them an interface falls under (netplan's YAML reference, "match").

import type { Machine } from "../machine.ts";
import type { Target } from "../manager.ts";
import { keyValue } from "../../../platform/key-value-file.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** Both at once: maps key by key, lists one after the other, of anything else the later. */
export function joined(earlier: Fields, later: Fields): Fields {
  const fields: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) {
    const there = fields[key];
    if (isFields(there) && isFields(value)) {
      fields[key] = joined(there, value);
    } else if (Array.isArray(there) && Array.isArray(value)) {
      fields[key] = [...there, ...value];
    } else {
      fields[key] = value;
    }
  }
  return fields;
}

/** What all files say under `network`. */
export function networkOf(files: readonly unknown[]): Fields {
  return fieldsOf(files.filter(isFields).reduce<Fields>(joined, {})["network"]);
}

/** The definitions under `ethernets`, by their ids. */
export function ethernetsOf(network: Fields): Readonly<Record<string, Fields>> {
  const entries = Object.entries(fieldsOf(network["ethernets"]));
  return Object.fromEntries(entries.map(([id, fields]) => [id, fieldsOf(fields)]));
}

/** The VLANs, bridges, bonds and the like that name a definition as what is under them. */
export function definitionsOn(id: string, network: Fields): string[] {
  return Object.values(network)
    .flatMap((ofType) => Object.entries(fieldsOf(ofType)))
    .filter(([, value]) => {
      const { link, interfaces } = fieldsOf(value);
      return link === id || (Array.isArray(interfaces) && interfaces.includes(id));
    })
    .map(([name]) => name);
}

/** Whether netplan gives a definition to NetworkManager, and not to systemd-networkd. */
export function isForNetworkManager(fields: Fields, network: Fields): boolean {
  const ofAll = fieldsOf(network["ethernets"])["renderer"] ?? network["renderer"];
  return (fields["renderer"] ?? ofAll) === "NetworkManager";
}

/**
 * Whether a definition is about the interface `alone`, about it among others by a
 * pattern (`too`), or `not` at all.
 */
export function isAbout(
  id: string,
  fields: Fields,
  { name, mac }: Target,
  machine: Machine,
): "alone" | "too" | "not" {
  const { match } = fields;
  if (!isFields(match)) {
    return id === name ? "alone" : "not";
  }
  const wantedName = textOf(match["name"]);
  const wantedMac = textOf(match["macaddress"]).toUpperCase();
  if (fields["set-name"] === name || wantedName === name || wantedMac === mac) {
    return "alone";
  }
  const drivers = [match["driver"] ?? []].flat().map(textOf);
  const isToo =
    wantedMac === "" &&
    // It is the name from before `set-name`, which the interface has no longer then.
    fields["set-name"] === undefined &&
    (wantedName === "" || fits(name, wantedName)) &&
    (drivers.length === 0 || drivers.some((driver) => fits(driverOf(name, machine), driver)));
  return isToo ? "too" : "not";
}

/** The order in which networkd takes what netplan generates: the first that fits wins. */
export function isTakenBefore(id: string, other: string): boolean {
  const file = (one: string) => Buffer.from(`10-netplan-${one}.network`);
  return Buffer.compare(file(id), file(other)) < 0;
}

function driverOf(name: string, machine: Machine): string {
  return keyValue(machine.read(`/sys/class/net/${name}/device/uevent`) ?? "", "DRIVER") ?? "";
}

function fits(text: string, pattern: string): boolean {
  return new Bun.Glob(pattern).match(text);
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
