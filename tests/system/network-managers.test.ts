// Addresses set through the real managers of Debian, in network namespaces.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { eth0Of, NetworkMachine } from "./network-machine.ts";

let machine: NetworkMachine;

beforeAll(() => {
  machine = new NetworkMachine();
});

afterAll(() => machine[Symbol.dispose]());

const wish = {
  adapter: "eth0",
  addresses: ["192.0.2.20/24", "198.51.100.20/25", "fd00::20/64"],
  gateways: ["192.0.2.1", "fd00::1"],
  dnsServers: ["192.0.2.53"],
};

const wished = {
  dhcp: false,
  addresses: ["192.0.2.20", "198.51.100.20", "fd00::20"],
  gateways: ["192.0.2.1", "fd00::1"],
};

const outcome = (manager: string, text: string) =>
  JSON.stringify({ interface: "eth0", manager, outcome: text });

const ifupdown = `
cat >/etc/network/interfaces <<END
auto eth0
iface eth0 inet static
    address 192.0.2.10
    netmask 255.255.255.0
    mtu 1400
END
rm -f /etc/network/interfaces.d/*
mkdir -p /run/network
ifup eth0 >/dev/null 2>&1
`;

test("ifupdown: in force, again unchanged, after a restart, and taken back", () => {
  const lines = machine.run(
    wish,
    `${ifupdown}
apply; shown; apply
ifdown eth0 >/dev/null 2>&1; ifup eth0 >/dev/null 2>&1; shown
ip -o link show dev eth0 | grep -o 'mtu [0-9]*'
hvguest net rollback; shown`,
  );
  expect(lines[0]).toBe(outcome("ifupdown", "in force"));
  expect(eth0Of(lines[1])).toMatchObject({ ...wished, manager: "ifupdown" });
  expect(eth0Of(lines[1]).dns_servers).toEqual(["192.0.2.53"]);
  expect(lines[2]).toBe(outcome("ifupdown", "unchanged"));
  expect(eth0Of(lines[3])).toMatchObject(wished);
  expect(lines[4]).toBe("mtu 1400");
  expect(lines[5]).toBe("eth0: ifupdown: taken back");
  expect(eth0Of(lines[6]).addresses).toEqual(["192.0.2.10"]);
});

test("ifupdown: what the kernel does not show is taken back, files and addresses", () => {
  const lines = machine.run(
    { ...wish, addresses: ["192.0.2.20/24"], gateways: [] },
    `${ifupdown}
echo '    up ip addr del 192.0.2.20/24 dev $IFACE || true' >>/etc/network/interfaces
before=$(cat /etc/network/interfaces)
apply || true
[ "$(cat /etc/network/interfaces)" = "$before" ] && echo same
ls /etc/network/interfaces.d; shown`,
  );
  expect(lines[0]).toBe("error: hvguest: 192.0.2.20/24 is missing; taken back");
  expect(lines[1]).toBe("same");
  expect(eth0Of(lines[2]).addresses).toEqual(["192.0.2.10"]);
});

test("ifupdown: files by other names, and one that cloud images make at each boot", () => {
  const lines = machine.run(
    wish,
    `rm -f /etc/network/interfaces.d/*; mkdir -p /run/network/interfaces.d
cat >/etc/network/interfaces <<END
source interfaces.d/*.cfg
source-directory /run/network/interfaces.d
END
cat >/etc/network/interfaces.d/50-cloud-init.cfg <<'END'
iface eth0 inet static
    address 192.0.2.10/24
    dns-nameservers 10.0.0.2 \\
        10.0.0.3
    mtu 1400
END
cat >/run/network/interfaces.d/eth0 <<END
auto eth0
iface eth0 inet static
    address 192.0.2.11/24
END
ifup eth0 >/dev/null 2>&1
apply; shown; apply
ip -o link show dev eth0 | grep -o 'mtu [0-9]*'
hvguest net rollback; shown`,
  );
  expect(lines[0]).toBe(outcome("ifupdown", "in force"));
  expect(eth0Of(lines[1])).toMatchObject({ ...wished, dns_servers: ["192.0.2.53"] });
  expect(lines[2]).toBe(outcome("ifupdown", "unchanged"));
  expect(lines[3]).toBe("mtu 1400");
  expect(lines[4]).toBe("eth0: ifupdown: taken back");
  expect(eth0Of(lines[5]).addresses).toEqual(["192.0.2.10", "192.0.2.11"]);
});

const networkd = `
start_dbus
rm -rf /etc/systemd/network; mkdir -p /etc/systemd/network
cat >/etc/systemd/network/10-peer.network <<END
[Match]
Name=peer
[Network]
Address=203.0.113.1/24
DHCPServer=yes
LinkLocalAddressing=no
END
start_networkd() {
  mkdir -p /run/systemd/netif; chown -R systemd-network /run/systemd/netif
  /lib/systemd/systemd-networkd >/tmp/networkd.log 2>&1 & networkd=$!
  until_ok networkctl list
}
`;

test("systemd-networkd: in force, after a restart, and taken back", () => {
  const lines = machine.run(
    wish,
    `${networkd}
printf '[Match]\\nName=e*\\n[Network]\\nAddress=192.0.2.10/24\\n' >/etc/systemd/network/20-all.network
start_networkd; until_ok has 192.0.2.10/24
apply --manager networkd; shown; apply --manager networkd
kill $networkd; wait $networkd || true; ip addr flush dev eth0; start_networkd; until_ok has 192.0.2.20/24; until_ok has fd00::20/64
shown; hvguest net rollback; until_ok has 192.0.2.10/24; shown; kill $networkd`,
  );
  expect(lines[0]).toBe(outcome("networkd", "in force"));
  expect(eth0Of(lines[1])).toMatchObject({ ...wished, dns_servers: ["192.0.2.53"] });
  expect(lines[2]).toBe(outcome("networkd", "unchanged"));
  expect(eth0Of(lines[3]).addresses).toEqual(wished.addresses);
  expect(lines[4]).toBe("eth0: networkd: taken back");
  expect(eth0Of(lines[5]).addresses).toEqual(["192.0.2.10"]);
});

test("systemd-networkd: from DHCP to static and back", () => {
  const lines = machine.run(
    wish,
    `${networkd}
printf '[Match]\\nName=eth0\\n[Network]\\nDHCP=ipv4\\n' >/etc/systemd/network/20-eth0.network
start_networkd; until_ok sh -c 'ip -o addr show dev eth0 | grep -q 203.0.113.'
shown; apply --manager networkd; shown
wish='{"adapter":"eth0","dhcp":true}'; apply --manager networkd
until_ok sh -c 'ip -o addr show dev eth0 | grep -q 203.0.113.'; shown; kill $networkd`,
  );
  expect(eth0Of(lines[0])).toMatchObject({
    dhcp: true,
    addresses: [expect.stringMatching(/^203\.0\.113\./)],
  });
  expect(lines[1]).toBe(outcome("networkd", "in force"));
  expect(eth0Of(lines[2])).toMatchObject(wished);
  expect(lines[3]).toBe(outcome("networkd", "in force"));
  expect(eth0Of(lines[4])).toMatchObject({
    dhcp: true,
    addresses: [expect.stringMatching(/^203\.0\.113\./)],
  });
});

test("systemd-networkd: a manager that is stopped is a failure, and nothing stays", () => {
  const lines = machine.run(
    wish,
    `${networkd} apply --manager networkd || true; ls /etc/systemd/network`,
  );
  expect(lines[0]).toContain("networkctl");
  expect(lines.slice(1)).toEqual(["10-peer.network"]);
});

const nm = `
start_dbus
rm -f /etc/NetworkManager/system-connections/*
printf '[main]\\nplugins=keyfile\\n[keyfile]\\nunmanaged-devices=interface-name:peer\\n' >/etc/NetworkManager/NetworkManager.conf
start_nm() { NetworkManager --no-daemon >/tmp/nm.log 2>&1 & nm=$!; until_ok nmcli general status; }
`;

test("NetworkManager: in force, after a restart, and taken back", () => {
  const lines = machine.run(
    wish,
    `${nm}
cat >/etc/NetworkManager/system-connections/wired.nmconnection <<END
[connection]
id=wired
uuid=1b2c3d4e-0000-4000-8000-000000000001
type=ethernet
interface-name=eth0
[ipv4]
method=manual
address1=192.0.2.10/24
[ipv6]
method=disabled
END
chmod 600 /etc/NetworkManager/system-connections/*
start_nm; until_ok has 192.0.2.10/24
apply; shown; apply
kill $nm; wait $nm || true; ip addr flush dev eth0; start_nm; until_ok has 192.0.2.20/24; until_ok has fd00::20/64
shown; hvguest net rollback; until_ok has 192.0.2.10/24; shown; kill $nm`,
  );
  expect(lines[0]).toBe(outcome("NetworkManager", "in force"));
  expect(eth0Of(lines[1])).toMatchObject({ ...wished, manager: "NetworkManager" });
  expect(lines[2]).toBe(outcome("NetworkManager", "unchanged"));
  expect(eth0Of(lines[3]).addresses).toEqual(wished.addresses);
  expect(lines[4]).toBe("eth0: NetworkManager: taken back");
  expect(eth0Of(lines[5]).addresses).toEqual(["192.0.2.10"]);
});

test("NetworkManager: a cable that is out keeps the configuration for later", () => {
  const lines = machine.run(
    wish,
    `${nm} start_nm; ip link set peer down; apply
ip link set peer up; until_ok has 192.0.2.20/24; until_ok has fd00::20/64; shown; kill $nm`,
  );
  expect(lines[0]).toBe(outcome("NetworkManager", "waits for a carrier"));
  expect(eth0Of(lines[1]).addresses).toEqual(wished.addresses);
});

test("netplan: what it generates is ours alone, beside cloud-init's file", () => {
  const lines = machine.run(
    wish,
    `rm -f /etc/netplan/*
cat >/etc/netplan/50-cloud-init.yaml <<END
network:
  version: 2
  ethernets:
    eth0:
      match: {macaddress: "00:15:5d:01:02:03"}
      set-name: eth0
      dhcp4: true
      addresses: [10.0.0.5/24]
      nameservers: {addresses: [10.0.0.2]}
END
hvguest net plan --manager netplan --json - <<END >/tmp/plan.json
$wish
END
python3 - <<END
import json
for file in json.load(open('/tmp/plan.json'))['files']:
    open(file['path'], 'w').write(file['text'])
END
netplan generate
grep -E '^(Name|Address|DNS|DHCP|Gateway|IPv6AcceptRA|.*MACAddress)=' /run/systemd/network/10-netplan-eth0.network`,
  );
  expect(lines).toContain("Address=192.0.2.20/24");
  expect(lines).toContain("Gateway=192.0.2.1");
  expect(lines).toContain("DNS=192.0.2.53");
  expect(lines).toContain("IPv6AcceptRA=no");
  expect(lines.filter((line) => /10\.0\.0|DHCP/.test(line))).toEqual([]);
});

const netplanUnits = ["systemd-networkd.service"];

test("netplan with systemd: in force, again unchanged, after a restart, and taken back", () => {
  const before = machine.boot(
    wish,
    netplanUnits,
    `rm -f /etc/netplan/* /etc/systemd/network/*
# There is no udev in a container to be told anything.
cp /bin/true /usr/bin/udevadm
cat >/etc/netplan/50-cloud-init.yaml <<END
network:
  version: 2
  ethernets:
    eth0:
      addresses: [192.0.2.10/24]
      routes: [{to: default, via: 192.0.2.1}]
END
chmod 600 /etc/netplan/*
netplan apply >/dev/null 2>&1; until_ok has 192.0.2.10/24
apply; shown; apply`,
  );
  expect(before[0]).toBe(outcome("netplan", "in force"));
  expect(eth0Of(before[1])).toMatchObject({ ...wished, dns_servers: ["192.0.2.53"] });
  expect(before[2]).toBe(outcome("netplan", "unchanged"));
  const after = machine.boot(
    wish,
    netplanUnits,
    `until_ok has 192.0.2.20/24; until_ok has fd00::20/64; shown
hvguest net rollback; until_ok has 192.0.2.10/24; shown`,
  );
  expect(eth0Of(after[0])).toMatchObject({ ...wished, dns_servers: ["192.0.2.53"] });
  expect(after[1]).toBe("eth0: netplan: taken back");
  expect(eth0Of(after[2])).toMatchObject({ addresses: ["192.0.2.10"], gateways: ["192.0.2.1"] });
});

test("netplan with systemd: beside the patterns of Debian's cloud images", () => {
  const before = machine.boot(
    wish,
    netplanUnits,
    `rm -f /etc/netplan/* /etc/systemd/network/*
cp /bin/true /usr/bin/udevadm
cat >/etc/netplan/90-default.yaml <<END
network:
  version: 2
  ethernets:
    all-en: {match: {name: en*}, dhcp4: true, dhcp6: true}
    all-eth: {match: {name: eth*}, dhcp4: true, dhcp6: true}
END
chmod 600 /etc/netplan/*
by_pattern() { until_ok grep netplan-all-eth /run/systemd/netif/links/*; }
netplan apply >/dev/null 2>&1; by_pattern
apply; shown; apply; hvguest net rollback; by_pattern; apply`,
  );
  expect(before[0]).toBe(outcome("netplan", "in force"));
  expect(eth0Of(before[1])).toMatchObject({ ...wished, dns_servers: ["192.0.2.53"] });
  expect(before[2]).toBe(outcome("netplan", "unchanged"));
  expect(before[3]).toBe("eth0: netplan: taken back");
  expect(before[4]).toBe(outcome("netplan", "in force"));
  const after = machine.boot(
    wish,
    netplanUnits,
    "until_ok has 192.0.2.20/24; until_ok has fd00::20/64; shown",
  );
  expect(eth0Of(after[0])).toMatchObject(wished);
});

test("ifupdown with systemd: an ifup that does not end is ended, and the old addresses come back", () => {
  const lines = machine.boot(
    { ...wish, addresses: ["192.0.2.20/24"], gateways: [] },
    ["networking.service"],
    `${ifupdown} rm -f /etc/netplan/*
cat >>/etc/network/interfaces <<'END'
    up if ip -o addr show dev $IFACE | grep -q 192.0.2.20; then sleep 1000; fi
END
apply || true; shown
grep -slz '^slee[p]$' /proc/[0-9]*/cmdline | wc -l`,
  );
  expect(lines[0]).toContain("taken back");
  expect(lines[0]).not.toContain("but");
  expect(eth0Of(lines[1]).addresses).toEqual(["192.0.2.10"]);
  expect(lines[2]).toBe("0");
});

test("ifupdown with systemd: the unit of networking brings the addresses up after a restart", () => {
  const units = ["networking.service"];
  machine.boot(wish, units, `${ifupdown} apply; rm -f /etc/netplan/*`);
  const after = machine.boot(wish, units, "until_ok has 192.0.2.20/24; shown");
  expect(eth0Of(after[0])).toMatchObject({ ...wished, manager: "ifupdown" });
});
