// SET_IP_INFO: reads the host's lists, all of them before anything is touched.

import { RequestError, Status } from "../../protocol/status.ts";
import { type IpAddress, type IpPrefix, parseAddress, parseSubnet } from "./ip-address.ts";
import { configurationOf, InvalidConfiguration, type IpConfiguration } from "./ip-configuration.ts";

/** The request with the strings of the wire (struct hv_kvp_ipaddr_value). */
export interface IpRequest {
  /** `{f8615163-…}`: the GUID of the adapter's VMBus device. */
  readonly adapterId: string;
  /** ADDR_FAMILY_… bits. The lists say it better; as in the C daemon it decides nothing. */
  readonly addressFamilies: number;
  /** Of IPv4: a host sets it also when it injects IPv6 addresses alone. */
  readonly dhcpEnabled: boolean;
  /** Items of all lists are separated by `;`. */
  readonly addresses: string;
  /** One for each address, a mask or a prefix length. */
  readonly subnets: string;
  readonly gateways: string;
  readonly dnsServers: string;
}

/** @throws RequestError with HV_INVALIDARG and the item that is wrong */
export function parseRequest(request: IpRequest): IpConfiguration {
  try {
    return configurationOf({
      dhcpEnabled: request.dhcpEnabled,
      addresses: prefixesOf(itemsOf(request.addresses), itemsOf(request.subnets)),
      gateways: addressesOf(request.gateways, "gateway"),
      dnsServers: addressesOf(request.dnsServers, "DNS server"),
    });
  } catch (error) {
    if (error instanceof InvalidConfiguration) {
      throw new RequestError(Status.invalidArgument, error.message, { cause: error });
    }
    throw error;
  }
}

function prefixesOf(addresses: readonly string[], subnets: readonly string[]): IpPrefix[] {
  if (addresses.length !== subnets.length) {
    throw new InvalidConfiguration(`${addresses.length} addresses and ${subnets.length} subnets`);
  }
  return addresses.map((text, index) => {
    const address = requireAddress(text, "address");
    const subnet = subnets[index] ?? "";
    const length = parseSubnet(subnet, address.family);
    if (length === undefined) {
      throw new InvalidConfiguration(`'${subnet}' is no subnet of '${text}'`);
    }
    return { ...address, length };
  });
}

function addressesOf(list: string, what: string): IpAddress[] {
  return itemsOf(list)
    .filter((item) => item !== "")
    .map((item) => requireAddress(item, what));
}

function requireAddress(text: string, what: string): IpAddress {
  const address = parseAddress(text);
  if (address === undefined) {
    throw new InvalidConfiguration(`'${text}' is no ${what}`);
  }
  return address;
}

/** The items without spaces around them; empty ones at the end are none. */
function itemsOf(list: string): string[] {
  const trimmed = list.replace(/[;\s]+$/, "");
  return trimmed === "" ? [] : trimmed.split(";").map((item) => item.trim());
}
