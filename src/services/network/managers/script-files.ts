// The two files that the C daemon hands to a distribution's hv_set_ifconfig, byte
// for byte (tools/hv/hv_kvp_daemon.c, kvp_set_ip_info), but for what is broken in
// them: an IPv6 subnet "/64" is not made a 0, and `gateway=` names one gateway,
// which is all that NetworkManager takes.

import { fullIpv6, parseAddress, parseSubnet } from "../ip-address.ts";
import type { IpRequest } from "../ip-request.ts";
import type { Target } from "../manager.ts";

/** A list as the C daemon reads it: up to the first empty item, without leading spaces. */
function items(list: string): string[] {
  const all = list.split(";");
  const end = all.indexOf("");
  return (end < 0 ? all : all.slice(0, end)).map((item) => item.trim());
}

/** /var/lib/hyperv/ifcfg-NAME */
export function ifcfgFile({ name, mac }: Target, request: IpRequest): string {
  const lines = [
    `HWADDR=${mac}`,
    `DEVICE=${name}`,
    `BOOTPROTO=${request.dhcpEnabled ? "dhcp" : "none"}`,
    ...numbered(items(request.addresses), "IPADDR", "IPV6ADDR", `0`),
    ...numbered(items(request.subnets), "NETMASK", "IPV6NETMASK", `0`),
    ...numbered(items(request.gateways), "GATEWAY", "IPV6_DEFAULTGW", ""),
    ...items(request.dnsServers).map((item, index) => `DNS${index + 1}=${ifcfgItem(item)}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** IPv4 lines count 0, 1 (or nothing, 1), IPv6 lines nothing, _1, _2. */
function numbered(list: readonly string[], name4: string, name6: string, first4: string): string[] {
  const is4 = (item: string) => parseAddress(item)?.family === 4;
  return list.map((item, position) => {
    const index = list.slice(0, position).filter((other) => is4(other) === is4(item)).length;
    const suffix = is4(item) ? (index === 0 ? first4 : `${index}`) : index === 0 ? "" : `_${index}`;
    return `${is4(item) ? name4 : name6}${suffix}=${ifcfgItem(item)}`;
  });
}

/** IPv6 addresses, and masks in that form, are written in full. */
function ifcfgItem(item: string): string {
  return parseAddress(item)?.family === 6 ? fullIpv6(item) : item;
}

/** /var/lib/hyperv/NAME.nmconnection */
export function keyfile({ name, mac }: Target, request: IpRequest): string {
  const head = `
[connection]
interface-name=${name}

[ethernet]
mac-address=${mac}
`;
  return `${head}${keyfileSection(4, request)}${keyfileSection(6, request)}`;
}

function keyfileSection(family: 4 | 6, request: IpRequest): string {
  const subnets = items(request.subnets);
  const addresses = items(request.addresses).flatMap((item, index) =>
    parseAddress(item)?.family === family
      ? [`${item}/${parseSubnet(subnets[index] ?? "", family) ?? 0}`]
      : [],
  );
  const ofFamily = (list: string) =>
    items(list).filter((item) => parseAddress(item)?.family === family);
  const [gateway] = ofFamily(request.gateways);
  const servers = ofFamily(request.dnsServers);
  const lines = [
    `[ipv${family}]`,
    ...addresses.map((address, index) => `address${index + 1}=${address}`),
    `method=${keyfileMethod(family, request, addresses.length > 0)}`,
    ...(gateway === undefined ? [] : [`gateway=${gateway}`]),
    ...(servers.length === 0 ? [] : [`dns=${servers.join(",")}`]),
  ];
  return `\n${lines.join("\n")}\n`;
}

function keyfileMethod(family: 4 | 6, request: IpRequest, hasAddresses: boolean): string {
  if (family === 4 && request.dhcpEnabled) {
    return "auto";
  }
  return hasAddresses ? "manual" : family === 4 ? "disabled" : "auto";
}
