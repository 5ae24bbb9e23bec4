import { expect, test } from "bun:test";
import { networkInterfaces } from "../../src/platform/network.ts";
import { address, defaultRoute, link, records } from "../support/network-records.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const guid = "{f8615163-0000-1000-2000-00155d000001}";

/** sysfs with one Hyper-V adapter named `name`. */
const sysWithAdapter = (name: string) =>
  temporaryRoot({ [`class/net/${name}/device/device_id`]: `${guid}\n` });

test("an interface has the GUID of its Hyper-V device and its MAC in upper case", () => {
  const [eth0] = networkInterfaces(
    records({ links: [link(2, "eth0", { mac: "00:15:5d:ab:cd:ef" })] }),
    sysWithAdapter("eth0"),
  );
  expect([eth0?.deviceId, eth0?.mac]).toEqual([guid, "00:15:5D:AB:CD:EF"]);
});

test("addresses are IPv4 first, and those that failed duplicate detection are left out", () => {
  const [eth0] = networkInterfaces(
    records({
      links: [link(2, "eth0")],
      addresses: [
        address(2, "fd00::5"),
        address(2, "fd00::6", { flags: 0x08 }),
        address(2, "10.0.0.5"),
        address(3, "10.9.9.9"),
      ],
    }),
    temporaryRoot(),
  );
  expect(eth0?.addresses.map((one) => one.address)).toEqual(["10.0.0.5", "fd00::5"]);
});

test("an address with a lifetime expires, a permanent one does not", () => {
  const [eth0] = networkInterfaces(
    records({
      links: [link(2, "eth0")],
      addresses: [address(2, "10.0.0.5", { validSeconds: 600 }), address(2, "10.0.0.6")],
    }),
    temporaryRoot(),
  );
  expect(eth0?.addresses.map(({ expires }) => expires)).toEqual([true, false]);
});

test("gateways are those of the main table, IPv4 first, the lowest metric first", () => {
  const [eth0] = networkInterfaces(
    records({
      links: [link(2, "eth0")],
      defaultRoutes: [
        defaultRoute(2, "fe80::1", { metric: 1 }),
        defaultRoute(2, "10.0.0.2", { metric: 200 }),
        defaultRoute(2, "10.0.0.1", { metric: 100 }),
        defaultRoute(2, "10.0.0.9", { table: 300 }),
        defaultRoute(3, "10.1.0.1"),
        defaultRoute(2, "fe80::2", { family: 4, metric: 300 }),
        { family: 4, interfaceIndex: 2, metric: 0, table: 254, protocol: 2 },
      ],
    }),
    temporaryRoot(),
  );
  expect(eth0?.gateways.map(({ gateway }) => gateway)).toEqual([
    "10.0.0.1",
    "10.0.0.2",
    "fe80::2",
    "fe80::1",
  ]);
});

test("hardware below an adapter, or with its MAC, is its virtual function", () => {
  const mac = "00:15:5d:00:00:01";
  const found = networkInterfaces(
    records({
      links: [
        link(2, "eth0", { mac }),
        link(3, "enP1s2", { mac, master: 2 }),
        link(4, "enP1s3", { mac }),
        link(5, "eth0.5", { mac, kind: "vlan", lower: 2 }),
        link(6, "eth1"),
      ],
    }),
    sysWithAdapter("eth0"),
  );
  expect(found.map(({ isVirtualFunction }) => isVirtualFunction)).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
});
