import { expect, test } from "bun:test";
import { wicked } from "../../../../src/services/network/managers/wicked.ts";
import {
  dhcp,
  eth0,
  everything,
  fakeMachine,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const directory = "/etc/sysconfig/network";
const path = `${directory}/ifcfg-eth0`;
const withoutComment = (text: string | undefined) => text?.slice(text.indexOf("\n") + 1);
const machine = (files: Readonly<Record<string, string>> = {}) =>
  fakeMachine({ programs: ["wicked", "netconfig"], files });

test("everything becomes ifcfg, ifroute and netconfig's list of servers", async () => {
  const plan = await wicked.plan(
    wish(everything),
    machine({ [`${directory.slice(1)}/config`]: '# a\nNETCONFIG_DNS_STATIC_SERVERS=""\nB="1"\n' }),
  );
  expect(withoutComment(textIn(plan, path))).toBe(`STARTMODE='auto'
BOOTPROTO='static'
IPADDR='192.0.2.20/24'
IPADDR_1='198.51.100.20/25'
IPADDR_2='fd00::20/64'
IPADDR_3='fd01::20/56'
`);
  expect(textIn(plan, `${directory}/ifroute-eth0`)).toBe(`default 192.0.2.1 - eth0
default 203.0.113.1 - eth0 metric 1124
default fd00::1 - eth0
`);
  expect(textIn(plan, `${directory}/config`)).toBe(
    '# a\nNETCONFIG_DNS_STATIC_SERVERS="192.0.2.53 fd00::53"\nB="1"\n',
  );
  expect(plan.activate.map(({ program, args }) => [program, ...args].join(" "))).toEqual([
    "/usr/bin/netconfig update -f",
    "/usr/bin/wicked ifreload eth0",
  ]);
});

test("DHCP leaves servers and other routes alone", async () => {
  const plan = await wicked.plan(
    wish(dhcp),
    machine({
      [path.slice(1)]:
        "STARTMODE='hotplug'\nBOOTPROTO='static'\nIPADDR='10.0.0.5/24'\nMTU='1400'\n",
      [`${directory.slice(1)}/ifroute-eth0`]:
        "default 10.0.0.1 - eth0\n172.16.0.0/12 10.0.0.2 - eth0\n",
    }),
  );
  expect(withoutComment(textIn(plan, path))).toBe(
    "STARTMODE='auto'\nBOOTPROTO='dhcp4'\nMTU='1400'\n",
  );
  expect(textIn(plan, `${directory}/ifroute-eth0`)).toBe("172.16.0.0/12 10.0.0.2 - eth0\n");
  expect(plan.files.map((file) => file.path)).not.toContain(`${directory}/config`);
});

test("it manages what it says is configured", async () => {
  const answered = (stdout: string) =>
    fakeMachine({ answers: { "wicked ifstatus --brief eth0": { stdout } } });
  expect(await wicked.manages(eth0, answered("eth0            up\n"))).toBe(true);
  expect(await wicked.manages(eth0, answered("eth0            device-unconfigured\n"))).toBe(false);
  expect(await wicked.manages(eth0, fakeMachine({}))).toBe(false);
});
