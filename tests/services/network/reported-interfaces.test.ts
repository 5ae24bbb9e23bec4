import { expect, test } from "bun:test";
import type { LinkRecord } from "../../../src/native/binding.ts";
import { networkInterfaces } from "../../../src/platform/network.ts";
import { networkSettings } from "../../../src/services/network/network-settings.ts";
import { addressesForHost } from "../../../src/services/network/reported-interfaces.ts";
import { address, link, records } from "../../support/network-records.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

/** Addresses for the host where each interface N has 10.0.N.1, fdN::1 and fe80::N. */
function reported(links: readonly LinkRecord[], adapters: readonly string[], family: 4 | 6 = 4) {
  const sys = temporaryRoot(
    Object.fromEntries(adapters.map((name) => [`class/net/${name}/device/device_id`, "{guid}\n"])),
  );
  const addresses = links.flatMap(({ index }) => [
    address(index, `10.0.${index}.1`),
    address(index, `fe80::${index}`),
    address(index, `fd0${index}::1`),
  ]);
  const interfaces = networkInterfaces(records({ links, addresses }), sys);
  const ignored = networkSettings.ignore_interfaces.fallback;
  return addressesForHost(interfaces, family, ignored).map((one) => one.address);
}

test("adapters come first, then what is built on them, other hardware, and tunnels", () => {
  const links = [
    link(2, "tun0", { kind: "tun" }),
    link(3, "ens3"),
    link(4, "eth1.7", { kind: "vlan", lower: 6 }),
    link(5, "eth0"),
    link(6, "eth1"),
  ];
  expect(reported(links, ["eth0", "eth1"])).toEqual([
    "10.0.5.1",
    "10.0.6.1",
    "10.0.4.1",
    "10.0.3.1",
    "10.0.2.1",
  ]);
});

test("link-local IPv6 addresses come after all others", () => {
  expect(reported([link(2, "eth0"), link(3, "eth1")], ["eth0"], 6)).toEqual([
    "fd02::1",
    "fd03::1",
    "fe80::2",
    "fe80::3",
  ]);
});

test("loopback, veth, container bridges and names to ignore are left out", () => {
  const links = [
    link(1, "lo", { flags: 0x9 }),
    link(2, "eth0"),
    link(3, "docker0", { kind: "bridge" }),
    link(4, "mybridge", { kind: "bridge" }),
    link(5, "veth1", { kind: "veth", master: 4 }),
    link(6, "pair", { kind: "veth" }),
    link(7, "virbr0", { kind: "bridge" }),
  ];
  expect(reported(links, ["eth0"])).toEqual(["10.0.2.1"]);
});

test("a bridge over an adapter stands for it", () => {
  const links = [link(2, "eth0", { master: 3 }), link(3, "br0", { kind: "bridge" })];
  expect(reported(links, ["eth0"])).toEqual(["10.0.3.1"]);
});

test("a member of a VRF keeps its own addresses", () => {
  const links = [link(2, "eth0", { master: 3 }), link(3, "blue", { kind: "vrf" })];
  expect(reported(links, ["eth0"])).toEqual(["10.0.2.1", "10.0.3.1"]);
});

test("interfaces that lead to each other in a circle end the search", () => {
  const links = [
    link(2, "a", { kind: "bridge", lower: 3 }),
    link(3, "b", { kind: "bridge", lower: 2 }),
  ];
  expect(reported(links, [])).toEqual([]);
});
