import { expect, test } from "bun:test";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { type IpRequest, parseRequest } from "../../../src/services/network/ip-request.ts";

const request = (rest: Partial<IpRequest>): IpRequest => ({
  adapterId: "{guid}",
  addressFamilies: 3,
  dhcpEnabled: false,
  addresses: "",
  subnets: "",
  gateways: "",
  dnsServers: "",
  ...rest,
});

test("several addresses of both families are read with their subnets in any spelling", () => {
  const { ipv4, ipv6 } = parseRequest(
    request({
      addresses: "10.0.0.5;10.1.0.5; FD00::5 ;fd01::5;fd02::5",
      subnets: "255.255.255.0;/16;/64;64;ffff:ffff::",
      gateways: "10.0.0.1;fd00::1;fe80::1;10.9.9.9;",
      dnsServers: "10.0.0.2;fd00::2;10.0.0.3",
    }),
  );
  const text = (prefix: { text: string; length: number }) => `${prefix.text}/${prefix.length}`;
  expect(ipv4.addresses.map(text)).toEqual(["10.0.0.5/24", "10.1.0.5/16"]);
  expect(ipv6.addresses.map(text)).toEqual(["fd00::5/64", "fd01::5/64", "fd02::5/32"]);
  expect([...ipv4.gateways, ...ipv6.gateways].map((one) => [one.text, one.isOnLink])).toEqual([
    ["10.0.0.1", false],
    ["10.9.9.9", true],
    ["fd00::1", false],
    ["fe80::1", false],
  ]);
  expect([...ipv4.dnsServers, ...ipv6.dnsServers].map((one) => one.text)).toEqual([
    "10.0.0.2",
    "10.0.0.3",
    "fd00::2",
  ]);
  expect([ipv4.method, ipv6.method]).toEqual(["static", "static"]);
});

test("DHCP comes with static IPv6 beside it", () => {
  const { ipv4, ipv6 } = parseRequest(
    request({ dhcpEnabled: true, addresses: "fd00::5", subnets: "64", dnsServers: "10.0.0.2" }),
  );
  expect(ipv4).toMatchObject({ method: "automatic", dnsServers: [{ text: "10.0.0.2" }] });
  expect(ipv6).toMatchObject({ method: "static", addresses: [{ text: "fd00::5", length: 64 }] });
});

test("with DHCP the lease's own address, when a host repeats it, is not made static", () => {
  const { ipv4 } = parseRequest(
    request({ dhcpEnabled: true, addresses: "10.0.0.5", subnets: "24", gateways: "10.0.0.1" }),
  );
  expect(ipv4).toEqual({ method: "automatic", addresses: [], gateways: [], dnsServers: [] });
});

test("without addresses of a family IPv4 is off and IPv6 automatic", () => {
  expect(parseRequest(request({ addresses: "fd00::5", subnets: "64" })).ipv4.method).toBe("none");
  expect(parseRequest(request({ addresses: "10.0.0.5", subnets: "24" })).ipv6.method).toBe(
    "automatic",
  );
});

test("what comes twice is taken once", () => {
  const { ipv4 } = parseRequest(
    request({ addresses: "10.0.0.5;10.0.0.5", subnets: "24;24", dnsServers: "1.1.1.1;1.1.1.1" }),
  );
  expect([ipv4.addresses.length, ipv4.dnsServers.length]).toEqual([1, 1]);
});

test.each([
  [{ addresses: "10.0.0.5", subnets: "" }, "1 addresses and 0 subnets"],
  [{ addresses: "10.0.0.5", subnets: "24;24" }, "1 addresses and 2 subnets"],
  [{ addresses: "10.0.0.5;;10.0.0.6", subnets: "24;24;24" }, "'' is no address"],
  [{ addresses: "10.0.0.5;nonsense", subnets: "24;24" }, "'nonsense' is no address"],
  [{ addresses: "10.0.0.5", subnets: "255.0.255.0" }, "'255.0.255.0' is no subnet of '10.0.0.5'"],
  [{ addresses: "10.0.0.5", subnets: "0" }, "subnet '/0' of '10.0.0.5'"],
  [{ addresses: "224.0.0.5", subnets: "24" }, "'224.0.0.5' cannot be the address of an interface"],
  [{ addresses: "10.0.0.5", subnets: "24", gateways: "x" }, "'x' is no gateway"],
  [
    { addresses: "10.0.0.5", subnets: "24", gateways: "0.0.0.0" },
    "'0.0.0.0' cannot be the gateway of an interface",
  ],
  [{ addresses: "10.0.0.5", subnets: "24", dnsServers: "dns" }, "'dns' is no DNS server"],
  [{ addresses: "10.0.0.5;10.0.0.5", subnets: "24;16" }, "'10.0.0.5' comes with two subnets"],
  [{ addresses: "fe80::1%eth0", subnets: "64" }, "'fe80::1%eth0' is no address"],
  [{}, "neither addresses nor DHCP"],
  [{ addresses: "10.0.0.5\n10.0.0.6", subnets: "24" }, "'10.0.0.5\n10.0.0.6' is no address"],
])("%j is refused as an invalid argument", (rest, message) => {
  try {
    parseRequest(request(rest));
    throw new Error("it was taken");
  } catch (error) {
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ status: Status.invalidArgument, message });
  }
});
