// The reporter on real interfaces: each test makes a network namespace, in which
// a child process reports what netlink tells there.

import { expect, test } from "bun:test";
import { join } from "node:path";
import type { IpReport } from "../../src/services/network/ip-report.ts";

const child = join(import.meta.dir, "../support/report-network.ts");

interface Told {
  readonly byMac: IpReport | null;
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}

/** What is told after each of `steps`, shell commands in a new network namespace. */
function toldAfter(...steps: readonly string[]): readonly Told[] {
  const result = Bun.spawnSync(["unshare", "--net", process.execPath, child, ...steps], {
    stderr: "inherit",
  });
  return result.stdout
    .toString()
    .trim()
    .split("\n")
    .map((line): Told => JSON.parse(line));
}

const mac = "00:15:5d:01:02:03";
const pair = `ip link add eth0 address ${mac} type veth peer name other; ip link set other up; ip link set eth0 up`;

test("addresses, masks, gateways and changes of them are told as they are", () => {
  const [bare, dressed, changed] = toldAfter(
    pair,
    "ip addr add 10.0.0.5/22 dev eth0; ip addr add 10.1.0.5/16 dev eth0;" +
      "ip -6 addr add fd00::5/64 dev eth0 nodad; ip route add default via 10.0.0.1 metric 7;" +
      "ip -6 route add default via fd00::1",
    "ip addr del 10.0.0.5/22 dev eth0; ip addr add 10.2.0.5/24 dev eth0 valid_lft 300 preferred_lft 300;" +
      "ip -4 route replace default via inet6 fe80::9 dev eth0 metric 7",
  );
  expect(bare?.byMac?.addresses.filter((address) => !address.startsWith("fe80:"))).toEqual([]);
  expect(dressed?.byMac).toMatchObject({
    families: 3,
    dhcpEnabled: false,
    gateways: ["10.0.0.1", "fd00::1"],
  });
  expect(dressed?.byMac?.addresses.slice(0, 3)).toEqual(["10.0.0.5", "10.1.0.5", "fd00::5"]);
  expect(dressed?.byMac?.subnets.slice(0, 3)).toEqual(["255.255.252.0", "255.255.0.0", "/64"]);
  expect(changed?.byMac).toMatchObject({ dhcpEnabled: true, gateways: ["fe80::9", "fd00::1"] });
  expect(changed?.byMac?.addresses.slice(0, 2)).toEqual(["10.1.0.5", "10.2.0.5"]);
});

test("every hop of a multipath route is told for the interface it leaves by", () => {
  const [, told] = toldAfter(
    pair,
    "ip addr add 10.0.0.5/24 dev eth0; ip addr add 10.1.0.5/24 dev other;" +
      "ip route add default nexthop via 10.0.0.1 dev eth0 nexthop via 10.1.0.1 dev other",
  );
  expect(told?.byMac?.gateways).toEqual(["10.0.0.1"]);
});

test("an adapter that became a member of a bridge is told with the bridge's addresses", () => {
  const [told] = toldAfter(
    `${pair}; ip link add br0 address ${mac} type bridge; ip link set eth0 master br0;` +
      "ip link set br0 up; ip addr add 10.0.0.7/24 dev br0",
  );
  expect(told?.byMac?.addresses[0]).toBe("10.0.0.7");
});

test("an interface that is down and one that went away are told truly", () => {
  const [down, gone] = toldAfter(
    `${pair}; ip addr add 10.0.0.5/24 dev eth0; ip link set eth0 down`,
    "ip link del eth0",
  );
  expect(down?.byMac?.addresses).toEqual(["10.0.0.5"]);
  expect(gone?.byMac).toBeNull();
});

test("an interface with a name of odd characters is reported as any other", () => {
  const [told] = toldAfter(
    `ip link add 'e$(id)"é' address ${mac} type bridge; ip addr add 10.0.0.5/24 dev 'e$(id)"é'`,
  );
  expect(told?.byMac?.addresses).toEqual(["10.0.0.5"]);
});

test("a change wakes the listener, so that intrinsic addresses are never stale", () => {
  const told = toldAfter(
    "ip link add tap0 type bridge",
    "ip tuntap add mode tun dev tun0; ip link set tun0 up; ip addr add 10.0.0.5/24 dev tun0",
    "ip addr add 10.0.0.6/24 dev tun0",
    "ip addr flush dev tun0",
  );
  expect(told.map(({ ipv4 }) => ipv4)).toEqual([[], ["10.0.0.5"], ["10.0.0.5", "10.0.0.6"], []]);
});
