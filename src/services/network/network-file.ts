// The JSON file of `hvguest net plan` and `hvguest net apply`: what a host would ask for.

import type { NetworkInterface } from "../../platform/network.ts";
import type { IpRequest } from "./ip-request.ts";

/** The file is not what it should be; the message says what is wrong. */
export class NetworkFileError extends Error {
  override readonly name = "NetworkFileError";
}

export interface NetworkFile {
  /** The GUID of an adapter's VMBus device in braces, or the name of an interface. */
  readonly adapter: string;
  readonly dhcp: boolean;
  /** With their prefix lengths: `192.0.2.20/24`. */
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly dnsServers: readonly string[];
}

const lists = ["addresses", "gateways", "dnsServers"] as const;

/** @throws NetworkFileError */
export function parseNetworkFile(text: string): NetworkFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new NetworkFileError("it is no JSON", { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new NetworkFileError("it is no object");
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const name of fields.keys()) {
    if (!["adapter", "dhcp", ...lists].includes(name)) {
      throw new NetworkFileError(`it has an unknown field '${name}'`);
    }
  }
  const adapter = fields.get("adapter");
  const dhcp = fields.get("dhcp") ?? false;
  if (typeof adapter !== "string" || adapter === "") {
    throw new NetworkFileError("'adapter' must be an adapter's GUID or an interface's name");
  }
  if (typeof dhcp !== "boolean") {
    throw new NetworkFileError("'dhcp' must be true or false");
  }
  const [addresses = [], gateways = [], dnsServers = []] = lists.map((name) =>
    textsOf(name, fields.get(name)),
  );
  return { adapter, dhcp, addresses, gateways, dnsServers };
}

function textsOf(name: string, value: unknown): string[] {
  if (value === undefined) {
    return [];
  }
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!isList || value.some((item: string) => item.includes(";"))) {
    throw new NetworkFileError(`'${name}' must be a list of texts`);
  }
  return value;
}

/** The same as a host would send it for the interface. @throws NetworkFileError */
export function requestOf(file: NetworkFile, subject: NetworkInterface): IpRequest {
  const parts = file.addresses.map((item) => item.split("/"));
  for (const [index, part] of parts.entries()) {
    if (part.length !== 2) {
      throw new NetworkFileError(`'${file.addresses[index]}' has no prefix length`);
    }
  }
  return {
    adapterId: subject.deviceId ?? "",
    addressFamilies: 3,
    dhcpEnabled: file.dhcp,
    addresses: parts.map(([address]) => address).join(";"),
    subnets: parts.map(([, length]) => length).join(";"),
    gateways: file.gateways.join(";"),
    dnsServers: file.dnsServers.join(";"),
  };
}

/** The interface that the file names. @throws NetworkFileError */
export function subjectOf(
  { adapter }: NetworkFile,
  interfaces: readonly NetworkInterface[],
): NetworkInterface {
  const subject = interfaces.find(
    ({ name, deviceId }) => name === adapter || deviceId?.toLowerCase() === adapter.toLowerCase(),
  );
  if (subject === undefined) {
    throw new NetworkFileError(`no network adapter is '${adapter}'`);
  }
  return subject;
}
