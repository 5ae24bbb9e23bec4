import { expect, test } from "bun:test";
import { networkd } from "../../../../src/services/network/managers/networkd.ts";
import {
  dhcp,
  everything,
  fakeMachine,
  ipRequest,
  oneAddress,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const path = "/etc/systemd/network/00-hvguest-eth0.network";
const comment =
  "# Written by hvguest for the Hyper-V host; 'hvguest net rollback' takes the last change back.\n";
const active = { "systemctl is-active systemd-networkd.service": {} };

const bare = () => fakeMachine({ programs: ["networkctl"] });

const managing = (network: string, more: Readonly<Record<string, string>> = {}) =>
  fakeMachine({
    programs: ["networkctl"],
    files: {
      "run/systemd/netif/links/2":
        "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-eth.network\n",
      "etc/systemd/network/10-eth.network": network,
      ...more,
    },
  });

test("addresses, routes and servers of both families become a .network file", async () => {
  const plan = await networkd.plan(wish(everything), bare());
  expect(textIn(plan, path)).toBe(`${comment}
[Match]
Name=eth0

[Network]
DHCP=no
IPv6AcceptRA=no
Address=192.0.2.20/24
Address=198.51.100.20/25
Address=fd00::20/64
Address=fd01::20/56
DNS=192.0.2.53
DNS=fd00::53

[Route]
Gateway=192.0.2.1

[Route]
Gateway=203.0.113.1
GatewayOnLink=yes
Metric=1124

[Route]
Gateway=fd00::1
`);
  expect(plan.activate).toEqual([
    { program: "/usr/bin/networkctl", args: ["reload"] },
    { program: "/usr/bin/networkctl", args: ["reconfigure", "eth0"] },
  ]);
});

test("DHCP with servers of the host's does not take those of the lease", async () => {
  const request = ipRequest({ dhcpEnabled: true, dnsServers: "192.0.2.53" });
  const plan = await networkd.plan(wish(request), bare());
  expect(textIn(plan, path)).toBe(`${comment}
[Match]
Name=eth0

[Network]
DHCP=ipv4
DNS=192.0.2.53

[DHCPv4]
UseDNS=no
`);
});

test("what the file in use and its drop-ins say besides addresses goes on", async () => {
  const machine = managing(
    `[Match]
Name=en*

[Link]
MTUBytes=9000

[Network]
DHCP=yes
VLAN=eth0.5
Address=10.0.0.5/24

[Address]
Address=10.0.0.6/24

[Route]
Gateway=10.0.0.1

[Route]
Destination=172.16.0.0/12
Gateway=192.0.2.2

[DHCPv4]
UseDomains=yes
`,
    {
      "etc/systemd/network/10-eth.network.d/50.conf":
        "[Network]\nDNS=10.0.0.2\nDomains=example.com\n",
    },
  );
  const plan = await networkd.plan(wish(oneAddress), machine);
  expect(textIn(plan, path)).toBe(`${comment}
[Match]
Name=eth0

[Network]
DHCP=no
Address=192.0.2.20/24
DNS=192.0.2.53

[Route]
Gateway=192.0.2.1

[Link]
MTUBytes=9000

[Network]
VLAN=eth0.5

[Route]
Destination=172.16.0.0/12
Gateway=192.0.2.2

[DHCPv4]
UseDomains=yes

[Network]
Domains=example.com
`);
});

test("the same wish on its own result gives the same file", async () => {
  const first = await networkd.plan(
    wish(everything),
    managing("[Network]\nVLAN=eth0.5\nDHCP=yes\n"),
  );
  const text = textIn(first, path) ?? "";
  const again = await networkd.plan(
    wish(everything),
    fakeMachine({
      programs: ["networkctl"],
      files: {
        "run/systemd/netif/links/2": `NETWORK_FILE=${path}\n`,
        [path.slice(1)]: text,
      },
    }),
  );
  expect(textIn(again, path)).toBe(text);
});

test("a file that would be read before ours is told", async () => {
  const machine = fakeMachine({
    programs: ["networkctl"],
    files: { "run/systemd/netif/links/2": "NETWORK_FILE=/etc/systemd/network/00-a.network\n" },
  });
  await expect(async () => networkd.plan(wish(dhcp), machine)).toThrow(
    "'/etc/systemd/network/00-a.network' is read before",
  );
});

test("an interface whose name is a pattern is matched by its MAC", async () => {
  const target = { name: "e*[1]", index: 2, mac: "00:15:5D:01:02:03" };
  const plan = await networkd.plan(wish(dhcp, target), bare());
  expect(plan.files[0]?.path).toBe("/etc/systemd/network/00-hvguest-e_2a__5b_1_5d_.network");
  expect(plan.files[0]?.text).toContain("\n[Match]\nMACAddress=00:15:5D:01:02:03\n");
});

test.each([
  ["configured", active, true],
  ["unmanaged", active, false],
  ["configured", { "systemctl is-active systemd-networkd.service": { status: 3 } }, false],
])("a link that is %s is its own only while it runs", async (state, answers, expected) => {
  const machine = fakeMachine({
    files: { "run/systemd/netif/links/2": `ADMIN_STATE=${state}\n` },
    answers,
  });
  expect(await networkd.manages(wish(dhcp).target, machine)).toBe(expected);
});
