import { expect, test } from "bun:test";
import { netplan } from "../../../../src/services/network/managers/netplan.ts";
import {
  dhcp,
  eth0,
  everything,
  fakeMachine,
  oneAddress,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const path = "/etc/netplan/90-hvguest-eth0.yaml";
const withoutComment = (text: string | undefined) => text?.slice(text.indexOf("\n") + 1);
const machine = (files: Readonly<Record<string, string>> = {}) =>
  fakeMachine({ programs: ["netplan", "nmcli"], files });

test("everything becomes a file that only root reads", async () => {
  const plan = await netplan.plan(wish(everything), machine());
  expect(plan.files).toMatchObject([{ path, mode: 0o600 }]);
  expect(withoutComment(textIn(plan, path))).toBe(`network:
  version: 2
  ethernets:
    eth0:
      dhcp4: false
      dhcp6: false
      accept-ra: false
      addresses:
        - 192.0.2.20/24
        - 198.51.100.20/25
        - fd00::20/64
        - fd01::20/56
      routes:
        - to: 0.0.0.0/0
          via: 192.0.2.1
        - to: 0.0.0.0/0
          via: 203.0.113.1
          on-link: true
          metric: 1124
        - to: ::/0
          via: fd00::1
      nameservers:
        addresses:
          - 192.0.2.53
          - fd00::53
`);
});

test("cloud-init's file keeps what is not about addresses, and cloud-init keeps its hands off", async () => {
  const plan = await netplan.plan(
    wish(oneAddress),
    machine({
      "etc/cloud/cloud.cfg": "",
      "etc/netplan/50-cloud-init.yaml": `# by cloud-init
network:
  version: 2
  ethernets:
    primary: # the first
      match:
        macaddress: "00:15:5d:01:02:03"
      set-name: eth0
      mtu: 1400
      dhcp4: true
      dhcp6: true
      addresses: [10.0.0.5/24]
      gateway4: 10.0.0.1
      routes:
        - to: default
          via: 10.0.0.1
        - to: 172.16.0.0/12
          via: 10.0.0.2
      nameservers:
        search: [example.com]
        addresses: [10.0.0.2]
    eth1:
      dhcp4: true
`,
    }),
  );
  expect(textIn(plan, "/etc/netplan/50-cloud-init.yaml")).toBe(`# by cloud-init
network:
  version: 2
  ethernets:
    primary:
      # the first
      match:
        macaddress: "00:15:5d:01:02:03"
      set-name: eth0
      mtu: 1400
      dhcp6: true
      routes:
        - to: 172.16.0.0/12
          via: 10.0.0.2
      nameservers:
        search: [ example.com ]
    eth1:
      dhcp4: true
`);
  expect(withoutComment(textIn(plan, path))).toStartWith(
    "network:\n  version: 2\n  ethernets:\n    primary:\n      dhcp4: false\n      addresses:\n",
  );
  expect(withoutComment(textIn(plan, "/etc/cloud/cloud.cfg.d/99-hvguest-network.cfg"))).toBe(
    "network:\n  config: disabled\n",
  );
});

test("files about other interfaces, and our own, are left as they are", async () => {
  const plan = await netplan.plan(
    wish(dhcp),
    machine({
      "etc/netplan/05-nothing.yaml": "network:\n  ethernets:\n    eth2:\n",
      "etc/netplan/10-other.yaml": "network:\n  ethernets:\n    eth1: {dhcp4: true}\n",
      "etc/netplan/20-empty.yaml": "",
      "etc/netplan/90-hvguest-eth0.yaml": "network:\n  ethernets:\n    eth0: {dhcp4: false}\n",
    }),
  );
  expect(plan.files.map((file) => file.path)).toEqual([path]);
});

test("a definition with nothing else in it stays one", async () => {
  const plan = await netplan.plan(
    wish(oneAddress),
    machine({
      "etc/netplan/10-a.yaml":
        "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n      nameservers:\n        addresses: [10.0.0.2]\n",
    }),
  );
  expect(textIn(plan, "/etc/netplan/10-a.yaml")).toBe("network:\n  ethernets:\n    eth0: {}\n");
});

test("a file of /lib is overridden in /etc, one of /run where it is", async () => {
  const text = "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n      mtu: 1400\n";
  const plan = await netplan.plan(
    wish(oneAddress),
    machine({ "lib/netplan/00-a.yaml": text, "run/netplan/01-b.yaml": text }),
  );
  expect(plan.files.map((file) => file.path)).toEqual([
    "/etc/netplan/00-a.yaml",
    "/run/netplan/01-b.yaml",
    path,
  ]);
});

test("a file that is no YAML is told, and nothing is planned", async () => {
  const broken = machine({ "etc/netplan/10-a.yaml": "network: [\n" });
  await expect(async () => netplan.plan(wish(dhcp), broken)).toThrow(
    "parse '/etc/netplan/10-a.yaml': ",
  );
});

test("it manages what it generated for systemd-networkd or NetworkManager", async () => {
  const uuid = "1b2c3d4e-0000-4000-8000-000000000001";
  const networkFile = (file: string) =>
    machine({ "run/systemd/netif/links/2": `NETWORK_FILE=${file}\n` });
  expect(
    await netplan.manages(eth0, networkFile("/run/systemd/network/10-netplan-eth0.network")),
  ).toBe(true);
  expect(await netplan.manages(eth0, networkFile("/etc/systemd/network/10-eth0.network"))).toBe(
    false,
  );
  const answers = (file: string) => ({
    "nmcli -g GENERAL.CON-UUID device show eth0": { stdout: `${uuid}\n` },
    "nmcli -t -f UUID,FILENAME connection show": { stdout: `${uuid}:${file}\n` },
  });
  const profile = (file: string) =>
    fakeMachine({ programs: ["netplan", "nmcli"], answers: answers(file) });
  const directory = "NetworkManager/system-connections";
  expect(await netplan.manages(eth0, profile(`/run/${directory}/netplan-eth0.nmconnection`))).toBe(
    true,
  );
  expect(await netplan.manages(eth0, profile(`/etc/${directory}/eth0.nmconnection`))).toBe(false);
});
