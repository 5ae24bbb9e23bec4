import { expect, test } from "bun:test";
import { ifcfg } from "../../../../src/services/network/managers/ifcfg.ts";
import {
  dhcp,
  eth0,
  everything,
  fakeMachine,
  oneAddress,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const directory = "/etc/sysconfig/network-scripts";
const path = `${directory}/ifcfg-eth0`;
const withoutComment = (text: string | undefined) => text?.slice(text.indexOf("\n") + 1);
const machine = (files: Readonly<Record<string, string>> = {}) =>
  fakeMachine({ programs: ["ifup", "ifdown"], files });

test("everything becomes the variables of initscripts", async () => {
  const plan = await ifcfg.plan(wish(everything), machine());
  expect(withoutComment(textIn(plan, path))).toBe(`DEVICE=eth0
ONBOOT=yes
BOOTPROTO=none
IPADDR0=192.0.2.20
NETMASK0=255.255.255.0
IPADDR1=198.51.100.20
NETMASK1=255.255.255.128
GATEWAY=192.0.2.1
IPV6INIT=yes
IPV6_AUTOCONF=no
IPV6ADDR=fd00::20/64
IPV6ADDR_SECONDARIES="fd01::20/56"
IPV6_DEFAULTGW=fd00::1
PEERDNS=no
DNS1=192.0.2.53
DNS2=fd00::53
`);
  expect(textIn(plan, `${directory}/route-eth0`)).toBe(
    "default via 203.0.113.1 dev eth0 metric 1124\n",
  );
});

test("what the file says besides addresses goes on, and standby routes go", async () => {
  const plan = await ifcfg.plan(
    wish(dhcp),
    machine({
      [path.slice(1)]:
        '# old\nDEVICE="eth0"\nBOOTPROTO=none\nIPADDR=10.0.0.5\nPREFIX=24\nGATEWAY=10.0.0.1\nMTU=1400\nZONE=public\n',
      [`${directory.slice(1)}/route-eth0`]: "default via 10.0.0.9 dev eth0 metric 1124\n",
      [`${directory.slice(1)}/route6-eth0`]: "fd02::/64 via fd00::9\n",
    }),
  );
  expect(withoutComment(textIn(plan, path))).toBe(`DEVICE=eth0
ONBOOT=yes
BOOTPROTO=dhcp
IPV6INIT=yes
IPV6_AUTOCONF=yes
MTU=1400
ZONE=public
`);
  expect(plan.files.map((file) => [file.path, file.text === undefined])).toEqual([
    [path, false],
    [`${directory}/route-eth0`, true],
    [`${directory}/route6-eth0`, false],
  ]);
  expect(textIn(plan, `${directory}/route6-eth0`)).toBe("fd02::/64 via fd00::9\n");
});

test("it manages interfaces that have a file, where ifup is", async () => {
  const files = { [path.slice(1)]: "" };
  expect(await ifcfg.manages(eth0, machine(files))).toBe(true);
  expect(await ifcfg.manages(eth0, machine())).toBe(false);
  expect(await ifcfg.manages(eth0, fakeMachine({ files }))).toBe(false);
});

test("an interface is NetworkManager's where that is enabled, unless its file says otherwise", async () => {
  const answers = { "systemctl is-enabled NetworkManager.service": {} };
  const managedWith = (text: string) =>
    ifcfg.manages(
      eth0,
      fakeMachine({ programs: ["ifup"], answers, files: { [path.slice(1)]: text } }),
    );
  expect(await managedWith("DEVICE=eth0\nONBOOT=yes\n")).toBe(false);
  expect(await managedWith("DEVICE=eth0\nNM_CONTROLLED=yes\n")).toBe(false);
  expect(await managedWith('DEVICE=eth0\nNM_CONTROLLED="no"\n')).toBe(true);
});

test.each([
  ["has started and leaves it unmanaged", "10 (unmanaged)\n", "started\n", true],
  ["leaves it unmanaged while it starts", "10 (unmanaged)\n", "starting\n", false],
  ["has it", "100 (connected)\n", "started\n", false],
])("an interface whose NetworkManager is enabled and %s", async (_, state, startup, isManaged) => {
  const answers = {
    "systemctl is-enabled NetworkManager.service": {},
    "nmcli -g GENERAL.STATE device show eth0": { stdout: state },
    "nmcli -g STARTUP general": { stdout: startup },
  };
  const files = { [path.slice(1)]: "DEVICE=eth0\nONBOOT=yes\n" };
  expect(await ifcfg.manages(eth0, fakeMachine({ programs: ["ifup"], answers, files }))).toBe(
    isManaged,
  );
});

test("the scripts are run by name", async () => {
  const plan = await ifcfg.plan(wish(oneAddress), machine());
  expect([...plan.before, ...plan.activate].map(({ program, args }) => [program, ...args])).toEqual(
    [
      ["/usr/bin/ifdown", "eth0"],
      ["/usr/bin/ifup", "eth0"],
    ],
  );
});
