import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import type { IpRequest } from "../../../../src/services/network/ip-request.ts";
import { script } from "../../../../src/services/network/managers/script.ts";
import {
  dhcp,
  everything,
  fakeMachine,
  ipRequest,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const ifcfgPath = "/var/lib/hyperv/ifcfg-eth0";
const keyfilePath = "/var/lib/hyperv/eth0.nmconnection";

/** A machine whose script is `text`, in the place of one of the distributions. */
function machineWith(text: string, place = "usr/libexec/hypervkvpd/hv_set_ifconfig") {
  const machine = fakeMachine({ files: { [place]: text } });
  chmodSync(`${machine.root}/${place}`, 0o755);
  return machine;
}

const modern = () => machineWith('#!/bin/sh\ncp "$1" "$2" /tmp\n');

async function filesFor(request: IpRequest) {
  const plan = await script.plan(wish(request), modern());
  return [textIn(plan, ifcfgPath), textIn(plan, keyfilePath)];
}

test("everything is in both files as the C daemon writes them, but for its slips", async () => {
  expect(await filesFor(everything)).toEqual([
    `HWADDR=00:15:5D:01:02:03
DEVICE=eth0
BOOTPROTO=none
IPADDR0=192.0.2.20
IPADDR1=198.51.100.20
IPV6ADDR=fd00:0000:0000:0000:0000:0000:0000:0020
IPV6ADDR_1=fd01:0000:0000:0000:0000:0000:0000:0020
NETMASK0=255.255.255.0
NETMASK1=255.255.255.128
IPV6NETMASK=/64
IPV6NETMASK_1=56
GATEWAY=192.0.2.1
GATEWAY1=203.0.113.1
IPV6_DEFAULTGW=fd00:0000:0000:0000:0000:0000:0000:0001
DNS1=192.0.2.53
DNS2=fd00:0000:0000:0000:0000:0000:0000:0053
`,
    `
[connection]
interface-name=eth0

[ethernet]
mac-address=00:15:5D:01:02:03

[ipv4]
address1=192.0.2.20/24
address2=198.51.100.20/25
method=manual
gateway=192.0.2.1
dns=192.0.2.53

[ipv6]
address1=FD00::20/64
address2=fd01::20/56
method=manual
gateway=fd00::1
dns=fd00::53
`,
  ]);
});

test("DHCP, and IPv6 alone", async () => {
  const [ifcfg, keyfile] = await filesFor(dhcp);
  expect(ifcfg).toEndWith("\nDEVICE=eth0\nBOOTPROTO=dhcp\n");
  expect(keyfile).toEndWith("\n\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n");
  const [, ipv6] = await filesFor(ipRequest({ addresses: "fd00::20", subnets: "64" }));
  expect(ipv6).toEndWith(
    "\n\n[ipv4]\nmethod=disabled\n\n[ipv6]\naddress1=fd00::20/64\nmethod=manual\n",
  );
});

test.each([
  ['#!/bin/sh\ncp "$1" "$2" /tmp\n', 2],
  ['#!/bin/sh\necho "$@"\n', 2],
  ["\x7fELF", 2],
  ['#!/bin/sh\ncp "$1" /etc/sysconfig/network-scripts/\n', 1],
  ["#!/usr/bin/python\nimport sys\nif len(sys.argv) != 2:\n  exit()\nopen(sys.argv[1])\n", 1],
])("%j is called with its %d arguments", async (text, count) => {
  const machine = machineWith(text);
  const plan = await script.plan(wish(dhcp), machine);
  const paths = [ifcfgPath, keyfilePath].map((path) => `${machine.root}${path}`);
  expect(plan.activate[0]?.args).toEqual(paths.slice(0, count));
});

test("the scripts of Ubuntu and SUSE are found in their places", async () => {
  for (const place of ["usr/sbin/hv_set_ifconfig", "usr/lib/hyper-v/bin/hv_set_ifconfig"]) {
    const machine = machineWith("#!/bin/sh\n", place);
    const plan = await script.plan(wish(dhcp), machine);
    expect(plan.activate[0]?.program).toBe(`${machine.root}/${place}`);
  }
});

test("without a script, or with one that is not executable, there is nothing to call", async () => {
  expect(await script.manages(wish(dhcp).target, fakeMachine({}))).toBe(false);
  const files = { "usr/sbin/hv_set_ifconfig": "#!/bin/sh\n" };
  expect(await script.manages(wish(dhcp).target, fakeMachine({ files }))).toBe(false);
});
