import { expect, test } from "bun:test";
import { PlanError } from "../../../../src/services/network/manager.ts";
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

/** /etc/netplan/90-default.yaml of Debian's cloud images. */
const debian = `network:
    version: 2
    ethernets:
        all-en:
            match:
                name: en*
            dhcp4: true
            dhcp4-overrides:
                use-domains: true
            dhcp6: true
            dhcp6-overrides:
                use-domains: true
        all-eth:
            match:
                name: eth*
            dhcp4: true
            dhcp4-overrides:
                use-domains: true
            dhcp6: true
            dhcp6-overrides:
                use-domains: true
`;

test("beside patterns it is a definition that networkd takes before them, with what they say else", async () => {
  const files = { "etc/netplan/90-default.yaml": debian };
  const plan = await netplan.plan(wish(oneAddress), machine(files));
  expect(plan.files.map((file) => file.path)).toEqual([path]);
  const own = textIn(plan, path);
  expect(withoutComment(own)).toBe(`network:
  version: 2
  ethernets:
    00-hvguest-eth0:
      match:
        name: eth0
      dhcp4-overrides:
        use-domains: true
      dhcp6: true
      dhcp6-overrides:
        use-domains: true
      dhcp4: false
      addresses:
        - 192.0.2.20/24
      routes:
        - to: 0.0.0.0/0
          via: 192.0.2.1
      nameservers:
        addresses:
          - 192.0.2.53
`);
  const again = await netplan.plan(
    wish(oneAddress),
    machine({ ...files, [path.slice(1)]: own ?? "" }),
  );
  expect(again.files).toEqual(plan.files);
});

/** The line of our file that has the definition's id. */
async function idLine(files: Readonly<Record<string, string>>): Promise<string | undefined> {
  return textIn(await netplan.plan(wish(dhcp), machine(files)), path)?.split("\n")[4];
}

test("patterns that come and go change the definition, and none of before stays", async () => {
  const before = {
    [path.slice(1)]: "network:\n  ethernets:\n    eth0: {addresses: [10.0.0.5/24]}\n",
  };
  const patterns = { "etc/netplan/90-default.yaml": debian };
  expect(await idLine({ ...before, ...patterns })).toBe("    00-hvguest-eth0:");
  expect(await idLine(before)).toBe("    eth0:");
});

test.each([
  ["a name of another sort", "en: {match: {name: en*}}", "eth0"],
  ["a driver", "all: {match: {driver: hv_*}}", "00-hvguest-eth0"],
  ["one of several drivers", "all: {match: {driver: [virtio_net, hv_netvsc]}}", "00-hvguest-eth0"],
  ["another driver", "all: {match: {driver: virtio_net}}", "eth0"],
  ["a name, but another driver", "all: {match: {name: e*, driver: virtio_net}}", "eth0"],
  ["a name, but another MAC", 'all: {match: {name: e*, macaddress: "00:15:5d:00:00:00"}}', "eth0"],
  ["everything", "all: {match: {}}", "00-hvguest-eth0"],
  ["a name from before a change of it", "all: {match: {name: e*}, set-name: lan}", "eth0"],
  [
    "the name, for another MAC",
    'eth0: {match: {macaddress: "00:15:5d:00:00:00"}}',
    "00-hvguest-eth0",
  ],
  ["a pattern after the interface's own", "eth0: {}, eth_: {match: {name: e*}}", "eth0"],
  ["a pattern before the interface's own", "eth0: {}, all: {match: {name: e*}}", "00-hvguest-eth0"],
  ["its own in two files", "lan: {dhcp4: true}", "lan"],
])("a definition that matches %s", async (_, definitions, id) => {
  const line = await idLine({
    "etc/netplan/10-a.yaml": `network: {ethernets: {${definitions}}}\n`,
    "etc/netplan/20-b.yaml":
      id === "lan" ? "network: {ethernets: {lan: {match: {name: eth0}}}}\n" : "",
    "sys/class/net/eth0/device/uevent": "DRIVER=hv_netvsc\n",
  });
  expect(line).toBe(`    ${id}:`);
});

test.each([
  ["of all", "renderer: NetworkManager, ethernets: {PATTERN, eth0: {mtu: 1400}}", "eth0"],
  ["of all ethernets", "ethernets: {renderer: NetworkManager, PATTERN, eth0: {}}", "eth0"],
  ["of the pattern", "ethernets: {MANAGED_PATTERN, eth0: {}}", "eth0"],
  ["of its own alone", "ethernets: {PATTERN, eth0: {renderer: NetworkManager}}", "00-hvguest-eth0"],
  [
    "of its last",
    "renderer: NetworkManager, ethernets: {eth0: {}, lan: {match: {name: eth0}}}",
    "lan",
  ],
  ["of a pattern without its own", "renderer: NetworkManager, ethernets: {PATTERN}", "eth0"],
  [
    "of a pattern, where its name is another's",
    'ethernets: {MANAGED_PATTERN, eth0: {match: {macaddress: "00:15:5d:00:00:00"}}}',
    "00-hvguest-eth0",
  ],
])("an interface with the renderer NetworkManager %s", async (_, network, id) => {
  const text = network
    .replace("MANAGED_PATTERN", "all-eth: {match: {name: eth*}, renderer: NetworkManager}")
    .replace("PATTERN", "all-eth: {match: {name: eth*}}");
  const line = await idLine({ "etc/netplan/10-a.yaml": `network: {${text}}\n` });
  expect(line).toBe(`    ${id}:`);
});

test("a definition beside NetworkManager's pattern goes on with what that says, and its renderer", async () => {
  const files = {
    "etc/netplan/10-a.yaml":
      "network: {ethernets: {all-eth: {match: {name: eth*}, renderer: NetworkManager, mtu: 1400}}}\n",
  };
  const plan = await netplan.plan(wish(dhcp), machine(files));
  expect(withoutComment(textIn(plan, path))).toBe(`network:
  version: 2
  ethernets:
    eth0:
      match:
        name: eth0
      renderer: NetworkManager
      mtu: 1400
      dhcp4: true
`);
});

test("a pattern before which nothing can come is told", async () => {
  const files = {
    "etc/netplan/10-a.yaml": 'network: {ethernets: {"00-all": {match: {name: e*}}}}\n',
  };
  await expect(async () => netplan.plan(wish(dhcp), machine(files))).toThrow(
    "netplan's '00-all' is read before '00-hvguest-eth0'",
  );
});

test.each([
  ["a VLAN", "vlans: {upper: {id: 10, link: all-eth}}"],
  ["a bridge", "bridges: {upper: {interfaces: [eth1, all-eth]}}"],
  ["a bond", "bonds: {upper: {interfaces: [all-eth]}}"],
  ["a VLAN of NetworkManager", "renderer: NetworkManager, vlans: {upper: {id: 10, link: all-eth}}"],
])("%s on a pattern is told, and keeps the interface", async (_, upper) => {
  const definitions = "ethernets: {all-eth: {match: {name: eth*}}}";
  const files = {
    "etc/netplan/10-a.yaml": `network: {${definitions}}\n`,
    "etc/netplan/20-b.yaml": `network: {${upper}}\n`,
  };
  await expect(async () => netplan.plan(wish(dhcp), machine(files))).toThrow(
    "netplan's 'upper' is on 'all-eth', of which 'eth0' would be no part",
  );
});

test.each([
  ["the interface's own definition", "eth0: {}", "eth0", "eth0"],
  [
    "a pattern that is not the interface's",
    "all: {match: {}}, en: {match: {name: en*}}",
    "en",
    "00-hvguest-eth0",
  ],
  ["a pattern after the interface's own", "eth0: {}, eth_: {match: {name: eth*}}", "eth_", "eth0"],
])("a VLAN on %s is no obstacle", async (_, definitions, link, id) => {
  const files = {
    "etc/netplan/10-a.yaml": `network: {ethernets: {${definitions}}, vlans: {upper: {id: 10, link: ${link}}}}\n`,
  };
  const plan = await netplan.plan(wish(dhcp), machine(files));
  expect(textIn(plan, path)?.split("\n")[4]).toBe(`    ${id}:`);
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

test.each(["network: [\n", "network: {ethernets: *none}\n"])(
  "a file that is no YAML is told, and nothing is planned: %j",
  async (text) => {
    const planned = async () =>
      netplan.plan(wish(dhcp), machine({ "etc/netplan/10-a.yaml": text }));
    await expect(planned).toThrow(PlanError);
    await expect(planned).toThrow("parse '/etc/netplan/10-a.yaml': ");
  },
);

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
