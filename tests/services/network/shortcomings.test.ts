import { expect, test } from "bun:test";
import { networkInterfaces } from "../../../src/platform/network.ts";
import { parseRequest } from "../../../src/services/network/ip-request.ts";
import { shortcomings } from "../../../src/services/network/shortcomings.ts";
import { address, defaultRoute, link, records } from "../../support/network-records.ts";
import { dhcp, everything, ipRequest } from "../../support/network-wish.ts";

const all = [
  address(2, "192.0.2.20/24"),
  address(2, "198.51.100.20/25"),
  address(2, "fd00::20/64"),
  address(2, "fd01::20/56"),
  address(2, "fe80::1"),
];
const routes = [defaultRoute(2, "192.0.2.1"), defaultRoute(2, "fd00::1")];

/** What is not in force of a request on eth0 with these addresses and routes. */
function faults(
  request: typeof dhcp,
  addresses: typeof all,
  defaultRoutes: typeof routes = routes,
  hasDhcp = false,
) {
  const found = networkInterfaces(
    records({ links: [link(2, "eth0")], addresses, defaultRoutes }),
    "/nonexistent",
  );
  const [eth0] = found;
  if (eth0 === undefined) {
    throw new Error("no interface");
  }
  return shortcomings(eth0, parseRequest(request), hasDhcp);
}

test("nothing is missing when every address and the first gateways are there", () => {
  expect(faults(everything, all)).toEqual([]);
  expect(faults(everything, [...all, address(2, "192.0.2.99/24")])).toEqual([]);
});

test("a missing address, one with another length and a missing gateway are told", () => {
  const other = all.map((one) => (one.address === "fd00::20" ? { ...one, prefixLength: 48 } : one));
  expect(faults(everything, other.slice(1), routes.slice(0, 1))).toEqual([
    "192.0.2.20/24 is missing",
    "fd00::20/64 is missing",
    "the gateway fd00::1 is missing",
  ]);
});

test("an address that may be a duplicate is not in force", () => {
  const tentative = all.map((one) =>
    one.address === "fd00::20" ? { ...one, flags: one.flags | 0x40 } : one,
  );
  expect(faults(everything, tentative)).toEqual(["fd00::20/64 is not yet known to be free"]);
  const failed = all.map((one) =>
    one.address === "fd00::20" ? { ...one, flags: one.flags | 0x48 } : one,
  );
  expect(faults(everything, failed)).toEqual(["fd00::20/64 is missing"]);
});

test("a lease that is still there is told, and any IPv4 address when none is wanted", () => {
  const lease = address(2, "10.0.0.5/24", { validSeconds: 600 });
  expect(faults(everything, [...all, lease])).toEqual(["10.0.0.5 is still there"]);
  const ipv6Alone = ipRequest({ addresses: "fd00::20", subnets: "64" });
  expect(faults(ipv6Alone, all)).toEqual([
    "192.0.2.20 is still there",
    "198.51.100.20 is still there",
  ]);
});

test("DHCP is in force when its client has the interface, with or without a lease", () => {
  expect(faults(dhcp, [], [], true)).toEqual([]);
  expect(faults(dhcp, all)).toEqual(["DHCP is not in use"]);
});
