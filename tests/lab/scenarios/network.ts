// Addresses: what a host is told of an adapter, and what happens when it sets some
// where only a distribution's script can do it.

import assert from "node:assert/strict";
import { type IpInfo, KvpStatus } from "../host/kvp.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";

const mac = "52:54:00:12:34:56";
const adapter = "{f8615163-0000-1000-2000-525400123456}";
const scriptFile = "/usr/libexec/hypervkvpd/hv_set_ifconfig";

const clean = `
umount /sys/class/net 2>/dev/null
rm -rf ${scriptFile} /run/lab-net /run/lab-script
ip addr flush dev eth0; ip link set eth0 down`;

/** Runs with eth0 up, and puts everything back afterwards. */
async function withNetwork(context: Context, act: () => Promise<void>): Promise<void> {
  await context.sh(`${clean}; ip link set eth0 up`);
  try {
    await act();
  } finally {
    await context.sh(clean);
  }
}

/** eth0 becomes a Hyper-V adapter: a copy of /sys/class/net has the file that says so. */
const adapterShown = `
for i in /sys/class/net/*; do
  mkdir -p /run/lab-net/\${i##*/}
  cat $i/address > /run/lab-net/\${i##*/}/address
done
mkdir /run/lab-net/eth0/device
echo '${adapter}' > /run/lab-net/eth0/device/device_id
mount --bind /run/lab-net /sys/class/net`;

/** A stand-in for the script of a distribution: keeps what it is given. */
const installScript = (status: number) => `
mkdir -p /usr/libexec/hypervkvpd /run/lab-script
cat > ${scriptFile} <<'END'
#!/bin/sh
echo "$1" > /run/lab-script/arguments
for file in "$@"; do cp "$file" /run/lab-script/; done
exit ${status}
END
chmod 755 ${scriptFile}`;

const readAsScript = (context: Context, file: string) =>
  context.sh(`cat /run/lab-script/${file} 2>/dev/null || true`);

const oneAddress: Partial<IpInfo> = {
  family: 1,
  addresses: "192.0.2.20",
  subnets: "255.255.255.0",
  gateways: "192.0.2.1",
  nameServers: "192.0.2.53",
};

const cases: readonly (readonly [string, Partial<IpInfo>])[] = [
  ["one IPv4 address", oneAddress],
  [
    "several of both families",
    {
      family: 3,
      addresses: "192.0.2.20;198.51.100.20;fd00::20;fd01::20",
      subnets: "255.255.255.0;255.255.0.0;64;56",
      gateways: "192.0.2.1;fd00::1",
      nameServers: "192.0.2.53;fd00::53",
    },
  ],
  ["DHCP", { family: 1, isDhcpEnabled: true }],
  [
    "IPv6 alone, with the flag that hosts set then",
    { family: 2, isDhcpEnabled: true, addresses: "fd00::20", subnets: "64", gateways: "fd00::1" },
  ],
];

export const network: readonly Scenario[] = [
  {
    name: "a host is told addresses, masks and families of the adapter with a MAC",
    service: "kvp",
    run: (context) =>
      withNetwork(context, async () => {
        await context.sh(
          "ip addr add 10.0.0.5/22 dev eth0; ip addr add 10.1.0.5/16 dev eth0; ip -6 addr add fd00::5/64 dev eth0",
        );
        const kvp = await context.ready("kvp");
        const { status, info } = await kvp.getIpInfo(mac);
        assert.equal(status, KvpStatus.ok);
        const addresses = info?.addresses.split(";") ?? [];
        assert.deepEqual(addresses.slice(0, 2), ["10.0.0.5", "10.1.0.5"]);
        assert.ok(addresses.includes("fd00::5"), addresses.join(";"));
        const subnets = info?.subnets.split(";") ?? [];
        assert.equal(subnets.length, addresses.length, "one subnet for each address");
        assert.deepEqual(subnets.slice(0, 3), ["255.255.252.0", "255.255.0.0", "/64"]);
        assert.equal(info?.family, 3);
        assert.equal(info?.isDhcpEnabled, false);
        context.saw("addresses", addresses.filter((one) => !one.startsWith("fe80:")).join(";"));
        context.saw("subnets", subnets.slice(0, 3).join(";"));
        context.sawStatus("an unknown MAC", (await kvp.getIpInfo("00:15:5D:00:00:00")).status);
        assert.equal(context.observations["an unknown MAC"], "0x80004005");
      }),
  },
  {
    name: "a host is told gateways in the order of their metrics, each ended by a semicolon",
    service: "kvp",
    who: ["ours"],
    run: (context) =>
      withNetwork(context, async () => {
        await context.sh(
          "ip addr add 10.0.0.5/24 dev eth0; ip route add default via 10.0.0.2 metric 9;" +
            "ip route add default via 10.0.0.1 metric 7; echo nameserver 10.0.0.53 > /etc/resolv.conf",
        );
        const kvp = await context.ready("kvp");
        const { info } = await kvp.getIpInfo(mac);
        await context.sh("rm /etc/resolv.conf");
        assert.equal(info?.gateways, "10.0.0.1;10.0.0.2;");
        assert.equal(info?.nameServers, "10.0.0.53;");
      }),
  },
  {
    name: "intrinsic addresses follow a change at once",
    service: "kvp",
    run: (context) =>
      withNetwork(context, async () => {
        const kvp = await context.ready("kvp");
        for (const last of [5, 6, 7]) {
          await context.sh(`ip addr flush dev eth0; ip addr add 10.0.0.${last}/24 dev eth0`);
          const { value } = (await kvp.enumerate(2, 2)).item ?? { value: "" };
          assert.equal(value, `10.0.0.${last}`, "after a change");
        }
      }),
  },
  {
    name: "the script of a distribution gets the files of the C daemon",
    service: "kvp",
    seconds: 120,
    run: (context) =>
      withNetwork(context, async () => {
        await context.sh(`${adapterShown}; ${installScript(0)}`);
        const kvp = await context.ready("kvp");
        for (const [name, info] of cases) {
          await context.sh("rm -f /run/lab-script/*");
          const { status } = await kvp.setIpInfo({ adapter, ...info });
          context.sawStatus(`${name}: status`, status);
          assert.equal(status, KvpStatus.ok, name);
          assert.equal(await readAsScript(context, "arguments"), "/var/lib/hyperv/ifcfg-eth0");
          context.saw(`${name}: ifcfg`, await readAsScript(context, "ifcfg-eth0"));
          // Daemons before 6.7 have no such file.
          if (context.guest !== "g61") {
            context.saw(`${name}: keyfile`, await readAsScript(context, "eth0.nmconnection"));
          }
        }
      }),
  },
  {
    name: "a script that fails, or is not there, is a failure to the host",
    service: "kvp",
    run: (context) =>
      withNetwork(context, async () => {
        await context.sh(`${adapterShown}; ${installScript(3)}`);
        const kvp = await context.ready("kvp");
        assert.equal((await kvp.setIpInfo({ adapter, ...oneAddress })).status, KvpStatus.fail);
        await context.sh(`rm ${scriptFile}`);
        assert.equal((await kvp.setIpInfo({ adapter, ...oneAddress })).status, KvpStatus.fail);
      }),
  },
  {
    name: "an unknown adapter and a wrong item are told by their statuses",
    service: "kvp",
    run: (context) =>
      withNetwork(context, async () => {
        await context.sh(`${adapterShown}; ${installScript(0)}`);
        const kvp = await context.ready("kvp");
        const unknown = await kvp.setIpInfo({
          adapter: adapter.replace("f86", "f87"),
          ...oneAddress,
        });
        assert.equal(unknown.status, 0x80041002);
        const wrong = await kvp.setIpInfo({ adapter, ...oneAddress, addresses: "nonsense" });
        assert.equal(wrong.status, KvpStatus.invalidArgument);
        context.saw("script called", await context.sh("ls /run/lab-script"));
        assert.equal(await context.sh("ls /run/lab-script"), "");
      }),
  },
  {
    name: "a script that hangs is ended before the host's patience is",
    service: "kvp",
    who: ["ours"],
    guests: ["g612"],
    seconds: 120,
    run: (context) =>
      withNetwork(context, async () => {
        await context.sh(
          `${adapterShown}; ${installScript(0)}; sed -i 's/^exit 0/sleep 1000/' ${scriptFile}`,
        );
        const kvp = await context.ready("kvp");
        const { status, milliseconds } = await kvp.setIpInfo({ adapter, ...oneAddress });
        assert.equal(status, KvpStatus.fail);
        assert.ok(milliseconds < 28_000, `${milliseconds} ms`);
        assert.equal(await context.sh("pidof sleep || echo none"), "none");
        const again = await kvp.getIpInfo(mac);
        assert.equal(again.status, KvpStatus.ok);
      }),
  },
];
