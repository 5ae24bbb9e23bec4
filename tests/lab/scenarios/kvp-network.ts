// Data exchange: what a host hears of the guest's network.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";

const mac = "52:54:00:12:34:56";
const linkLocal = "fe80::5054:ff:fe12:3456";

const configure = [
  "echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad",
  "ip addr flush dev eth0 scope global",
  "ip addr add 192.0.2.10/24 dev eth0",
  "ip addr add 198.51.100.7/28 dev eth0",
  "ip -6 addr add 2001:db8::10/64 dev eth0",
  "ip route replace default via 192.0.2.1",
  "ip -6 route replace default via 2001:db8::1",
].join("; ");

const restore =
  "ip route flush dev eth0; ip addr flush dev eth0 scope global; ip -6 route flush dev eth0 proto boot; " +
  "ip link set eth0 up; true";

export const kvpNetwork: readonly Scenario[] = [
  {
    name: "GET_IP_INFO has each address with its mask, the gateways and the DNS servers",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await context.sh(configure);
      try {
        const { status, info } = await kvp.getIpInfo(mac);
        assert.equal(status, KvpStatus.ok);
        assert.ok(info);
        context.saw("addresses", info.addresses);
        context.saw("subnets", info.subnets);
        context.saw("gateways", info.gateways);
        context.saw("DNS", info.nameServers);
        context.saw("family", info.family);
        context.saw("DHCP", info.isDhcpEnabled);
        assert.equal(info.family, 3);
        const addresses = info.addresses.split(";");
        const subnets = info.subnets.split(";");
        assert.equal(addresses.length, subnets.length);
        const pairs = addresses.map((address, index) => `${address} ${subnets[index]}`);
        for (const pair of [
          "192.0.2.10 255.255.255.0",
          "198.51.100.7 255.255.255.240",
          "2001:db8::10 /64",
        ]) {
          assert.ok(pairs.includes(pair), `${pair} is not in: ${pairs.join(", ")}`);
        }
        assert.equal(addresses[0], "192.0.2.10");
        assert.equal(info.isDhcpEnabled, false);
        if (context.who === "ours") {
          assert.equal(info.gateways, "192.0.2.1;2001:db8::1;");
          assert.equal(info.nameServers, "192.0.2.53;");
        }
      } finally {
        await context.sh(restore);
      }
    },
  },
  {
    name: "an adapter without addresses is answered with empty lists",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await context.sh("ip link set eth0 down; ip addr flush dev eth0");
      try {
        const { status, info } = await kvp.getIpInfo(mac);
        context.sawStatus("status", status);
        context.saw("addresses", info?.addresses ?? "none");
        assert.equal(status, KvpStatus.ok);
        assert.equal(info?.addresses, "");
      } finally {
        await context.sh("ip link set eth0 up");
      }
      const hasAddress = async () => (await kvp.getIpInfo(mac)).info?.addresses === linkLocal;
      await until(10_000, "link-local address", hasAddress);
    },
  },
  {
    name: "an adapter is found by its exact address, not by a part of it",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const wrong of [
        "00:15:5D:01:02:03",
        "52:54:00:12:34:5",
        "52:54:00:12:34:567",
        "",
        "eth0",
      ]) {
        const { status } = await kvp.getIpInfo(wrong);
        context.sawStatus(`adapter '${wrong}'`, status);
        assert.equal(status, KvpStatus.fail, wrong);
      }
      for (const family of [0, 1, 2, 3, 255]) {
        const { status, info } = await kvp.getIpInfo(mac, family);
        assert.equal(status, KvpStatus.ok);
        context.saw(`family ${family}`, info?.family ?? -1);
      }
    },
  },
  {
    name: "the address items follow the network, IPv4 first",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const value = async (index: number) => (await kvp.enumerate(KvpPool.auto, index)).item?.value;
      context.saw("IPv4 without an address", (await value(2)) ?? "none");
      await context.sh(configure);
      try {
        await until(10_000, "IPv4 addresses", async () =>
          ((await value(2)) ?? "").includes("192.0.2.10"),
        );
        const ipv4 = await value(2);
        context.saw("IPv4", ipv4 ?? "none");
        assert.equal(ipv4, "192.0.2.10;198.51.100.7");
        const ipv6 = (await value(3)) ?? "";
        context.saw("IPv6", ipv6);
        assert.ok(ipv6.split(";").includes("2001:db8::10"));
      } finally {
        await context.sh(restore);
      }
      await until(10_000, "no IPv4 address", async () => (await value(2)) === "");
      context.saw("IPv6 after", (await value(3)) ?? "none");
    },
  },
  {
    name: "lists that are longer than the wire are cut between addresses",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const many = Array.from(
        { length: 120 },
        (_, index) =>
          `ip -6 addr add 2001:db8:1:2:3:4:5:${(index + 4096).toString(16)}/64 dev eth0`,
      );
      await context.sh(many.join("; "));
      try {
        const { status, info } = await kvp.getIpInfo(mac);
        context.sawStatus("status", status);
        const addresses = (info?.addresses ?? "").split(";");
        const subnets = (info?.subnets ?? "").split(";");
        const isWhole = (address: string) =>
          address === linkLocal || /:1[0-9a-f]{3}$/.test(address);
        context.expect("whole addresses", addresses.every(isWhole), true);
        context.expect("a mask for each", addresses.length === subnets.length, true);
        const item = (await kvp.enumerate(KvpPool.auto, 3)).item?.value ?? "";
        context.expect("whole items", item.split(";").every(isWhole), true);
      } finally {
        await context.sh(restore);
      }
    },
  },
];
