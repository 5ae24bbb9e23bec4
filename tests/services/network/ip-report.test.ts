import { expect, test } from "bun:test";
import type { NetworkRecords } from "../../../src/native/binding.ts";
import { NativeError } from "../../../src/native/native-error.ts";
import { NetworkReporter } from "../../../src/services/network/ip-report.ts";
import { address, defaultRoute, link, records } from "../../support/network-records.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

const adapter = { "sys/class/net/eth0/device/device_id": "{f8615163}\n" };

/** A reporter of a network that a test changes. */
function reporterOf(
  network: { current: NetworkRecords },
  files: Readonly<Record<string, string>> = adapter,
) {
  const root = temporaryRoot(files);
  const warnings: string[] = [];
  const listeners: (() => void)[] = [];
  const reporter = new NetworkReporter({
    paths: { root, sys: `${root}/sys`, proc: `${root}/proc` },
    ignoreInterfaces: () => [],
    log: { warning: (text) => void warnings.push(text) },
    source: {
      read: () => network.current,
      watch: (onChange) => {
        listeners.push(onChange);
        return { close: () => undefined };
      },
    },
  });
  return { reporter, warnings, changed: () => listeners.forEach((listener) => listener()) };
}

test("an adapter is reported with everything the host asks for", () => {
  const { reporter } = reporterOf(
    {
      current: records({
        links: [link(2, "eth0", { mac: "00:15:5d:0a:0b:0c" })],
        addresses: [
          address(2, "10.0.0.5/22", { validSeconds: 60 }),
          address(2, "10.0.0.6/32"),
          address(2, "fd00::5/64"),
        ],
        defaultRoutes: [
          defaultRoute(2, "10.0.0.1"),
          defaultRoute(2, "10.0.0.1", { metric: 9 }),
          defaultRoute(2, "fd00::1"),
        ],
      }),
    },
    { ...adapter, "etc/resolv.conf": "nameserver 10.0.0.2\n" },
  );
  expect(reporter.reportByMac("00:15:5D:0A:0b:0C")).toEqual({
    families: 3,
    dhcpEnabled: true,
    addresses: ["10.0.0.5", "10.0.0.6", "fd00::5"],
    subnets: ["255.255.252.0", "255.255.255.255", "/64"],
    gateways: ["10.0.0.1", "fd00::1"],
    dnsServers: ["10.0.0.2"],
  });
});

test("no adapter with the MAC is undefined, one without addresses an empty report", () => {
  const { reporter } = reporterOf({
    current: records({ links: [link(2, "eth0", { mac: "00:15:5d:00:00:01" })] }),
  });
  expect(reporter.reportByMac("00:15:5D:00:00:02")).toBeUndefined();
  expect(reporter.reportByMac("00:15:5D:00:00:0")).toBeUndefined();
  expect(reporter.reportByMac("00:15:5D:00:00:01")).toEqual({
    families: 0,
    dhcpEnabled: false,
    addresses: [],
    subnets: [],
    gateways: [],
    dnsServers: [],
  });
});

test("a virtual function with the adapter's MAC is passed over", () => {
  const mac = "00:15:5d:00:00:01";
  const { reporter } = reporterOf({
    current: records({
      links: [link(2, "enP1", { mac, master: 3 }), link(3, "eth0", { mac })],
      addresses: [address(2, "fe80::2"), address(3, "10.0.0.5")],
    }),
  });
  expect(reporter.reportByMac(mac)?.addresses).toEqual(["10.0.0.5"]);
});

test("an adapter in a bridge is reported with the bridge's addresses", () => {
  const mac = "00:15:5d:00:00:01";
  const { reporter } = reporterOf({
    current: records({
      links: [link(2, "eth0", { mac, master: 3 }), link(3, "br0", { mac, kind: "bridge" })],
      addresses: [address(2, "fe80::2"), address(3, "10.0.0.5"), address(3, "fe80::3")],
    }),
  });
  expect(reporter.reportByMac(mac)?.addresses).toEqual(["10.0.0.5", "fe80::3"]);
});

test("every report reads the kernel's state anew", () => {
  const network = { current: records({ links: [link(2, "eth0")] }) };
  const { reporter } = reporterOf(network);
  reporter.start();
  expect(reporter.reportByMac("00:15:5D:00:00:02")?.addresses).toEqual([]);
  network.current = records({ links: [link(2, "eth0")], addresses: [address(2, "10.0.0.5")] });
  expect(reporter.reportByMac("00:15:5D:00:00:02")?.addresses).toEqual(["10.0.0.5"]);
});

test("intrinsic addresses are kept until the kernel tells of a change", () => {
  const network = { current: records({ links: [link(2, "eth0")] }) };
  const { reporter, changed } = reporterOf(network);
  reporter.start();
  expect(reporter.intrinsicAddresses(4)).toEqual([]);
  network.current = records({
    links: [link(2, "eth0")],
    addresses: [address(2, "10.0.0.5"), address(2, "fe80::2")],
  });
  expect(reporter.intrinsicAddresses(4)).toEqual([]);
  changed();
  expect(reporter.intrinsicAddresses(4)).toEqual(["10.0.0.5"]);
  expect(reporter.intrinsicAddresses(6)).toEqual(["fe80::2"]);
});

test("where changes cannot be watched, intrinsic addresses are read each time", () => {
  const network = { current: records({ links: [link(2, "eth0")] }) };
  const warnings: string[] = [];
  const refusal = new NativeError("watch the network through netlink", 1);
  const root = temporaryRoot();
  const reporter = new NetworkReporter({
    paths: { root, sys: `${root}/sys`, proc: `${root}/proc` },
    ignoreInterfaces: () => [],
    log: { warning: (text) => void warnings.push(text) },
    source: {
      read: () => network.current,
      watch: () => {
        throw refusal;
      },
    },
  });
  reporter.start();
  expect(reporter.intrinsicAddresses(4)).toEqual([]);
  network.current = records({ links: [link(2, "eth0")], addresses: [address(2, "10.0.0.5")] });
  expect(reporter.intrinsicAddresses(4)).toEqual(["10.0.0.5"]);
  expect(warnings).toEqual([`${refusal.message}, reading the network for each request`]);
});

test("records that cannot be decoded are complained of once", () => {
  const { reporter, warnings } = reporterOf({ current: records({ undecoded: 2 }) });
  reporter.intrinsicAddresses(4);
  reporter.intrinsicAddresses(6);
  expect(warnings).toEqual(["2 of the kernel's network records cannot be decoded, ignoring them"]);
});
