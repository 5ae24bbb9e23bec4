// Addresses: what a host is told of an adapter, and what happens when it sets some
// where only a distribution's script can do it.

import assert from "node:assert/strict";
import { type IpInfo, type KvpHost, KvpStatus } from "../host/kvp.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";

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

/**
 * A stand-in for the script of a distribution: keeps what it is given. One of the time
 * of daemons before 6.7 knows nothing of a second argument.
 */
function installScript({ guest }: Context, ending: string): string {
  const files = guest === "g61" ? '"$1"' : '"$1" "$2"';
  return `
mkdir -p /usr/libexec/hypervkvpd /run/lab-script
cat > ${scriptFile} <<'END'
#!/bin/sh
echo "$#" ${files} > /run/lab-script/arguments
stat -c '%n %a %u:%g' ${files} > /run/lab-script/modes
cp ${files} /run/lab-script/
${ending}
END
chmod 755 ${scriptFile}`;
}

/** What the script of the guest's time is called with: how many, and which. */
const scriptArguments = ({ guest }: Context) =>
  guest === "g61"
    ? "1 /var/lib/hyperv/ifcfg-eth0"
    : "2 /var/lib/hyperv/ifcfg-eth0 /var/lib/hyperv/eth0.nmconnection";

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
  [
    "both families in turns",
    {
      family: 3,
      addresses: "fd00::20;192.0.2.20;FD01:0::20;198.51.100.20",
      subnets: "64;255.255.255.0;56;255.255.255.128",
      gateways: "fd00::1;192.0.2.1",
      nameServers: "fd00::53;192.0.2.53;fd01::53;192.0.2.54",
    },
  ],
  [
    "lists that end with a semicolon",
    {
      family: 1,
      addresses: "192.0.2.20;",
      subnets: "255.255.255.0;",
      gateways: "192.0.2.1;",
      nameServers: "192.0.2.53;192.0.2.54;",
    },
  ],
  ["an address alone", { family: 1, addresses: "192.0.2.20", subnets: "255.255.255.255" }],
  ["DHCP", { family: 1, isDhcpEnabled: true }],
  [
    "DHCP with DNS servers and static IPv6",
    {
      family: 3,
      isDhcpEnabled: true,
      addresses: "fd00::20;fd01::20",
      subnets: "64;64",
      gateways: "fd00::1",
      nameServers: "192.0.2.53;fd00::53",
    },
  ],
  [
    "IPv6 alone, with the flag that hosts set then",
    { family: 2, isDhcpEnabled: true, addresses: "fd00::20", subnets: "64", gateways: "fd00::1" },
  ],
];

/** What a host must not get: each is one fault in a request that is right otherwise. */
const faults: readonly (readonly [string, Partial<IpInfo>])[] = [
  ["a mask with holes", { subnets: "255.0.255.0" }],
  ["a mask of the other family", { subnets: "ffff:ffff::" }],
  ["a prefix that is too long", { subnets: "33" }],
  ["a prefix of 0", { subnets: "0" }],
  ["no mask", { subnets: "" }],
  ["more masks than addresses", { subnets: "255.255.255.0;255.255.255.0" }],
  ["a gateway that is no address", { gateways: "192.0.2.1;gateway" }],
  ["a gateway with a line end", { gateways: "192.0.2.1\nDNS1=1.1.1.1" }],
  ["a DNS server that is no address", { nameServers: "192.0.2.53;$(reboot)" }],
  ["a second address that is none", { addresses: "192.0.2.20;256.1.1.1", subnets: "24;24" }],
  ["five numbers", { addresses: "192.0.2.20.1" }],
  ["an address with a zone", { addresses: "fe80::1%eth0", subnets: "64" }],
  ["the loopback's address", { addresses: "127.0.0.1" }],
  ["no address at all", { addresses: "0.0.0.0" }],
  ["a text as long as its area", { addresses: "1".repeat(1024) }],
  ["gateways as long as their area", { gateways: "1".repeat(512) }],
  ["nothing", { addresses: "", subnets: "", gateways: "", nameServers: "" }],
];

/** As many addresses as the area of the list holds, without a terminator. */
const fullLists: Partial<IpInfo> = {
  family: 1,
  addresses: Array.from({ length: 68 }, (_, index) => `198.51.100.${index + 100}`)
    .join(";")
    .padEnd(1024, ";"),
  subnets: Array.from({ length: 68 }, () => "255.255.255.0")
    .join(";")
    .padEnd(1024, ";"),
};

/** The same on an adapter for which only the distribution's script can set addresses. */
function withScript(
  context: Context,
  ending: string,
  act: (kvp: KvpHost) => Promise<void>,
): Promise<void> {
  return withNetwork(context, async () => {
    await context.sh(`${adapterShown}; ${installScript(context, ending)}`);
    await act(await context.ready("kvp"));
  });
}

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
      withScript(context, "exit 0", async (kvp) => {
        for (const [name, info] of cases) {
          await context.sh("rm -f /run/lab-script/*");
          const { status } = await kvp.setIpInfo({ adapter, ...info });
          context.sawStatus(`${name}: status`, status);
          assert.equal(status, KvpStatus.ok, name);
          assert.equal(await readAsScript(context, "arguments"), scriptArguments(context), name);
          context.saw(`${name}: modes`, await readAsScript(context, "modes"));
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
      withScript(context, "exit 3", async (kvp) => {
        assert.equal((await kvp.setIpInfo({ adapter, ...oneAddress })).status, KvpStatus.fail);
        await context.sh(`rm ${scriptFile}`);
        assert.equal((await kvp.setIpInfo({ adapter, ...oneAddress })).status, KvpStatus.fail);
      }),
  },
  {
    name: "an unknown adapter and a wrong item are told by their statuses",
    service: "kvp",
    run: (context) =>
      withScript(context, "exit 0", async (kvp) => {
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
    name: "an adapter is meant by its whole GUID, and by nothing else",
    service: "kvp",
    run: (context) =>
      withScript(context, "exit 0", async (kvp) => {
        for (const wrong of [
          adapter.slice(0, -1),
          adapter.slice(1, -1),
          `${adapter}}`,
          ` ${adapter}`,
          mac,
          "eth0",
          "",
          adapter.padEnd(128, "0"),
        ]) {
          const { status } = await kvp.setIpInfo({ ...oneAddress, adapter: wrong });
          context.sawStatus(`adapter '${wrong}'`, status);
          assert.equal(status, KvpStatus.guidNotFound, wrong);
        }
        assert.equal(await context.sh("ls /run/lab-script"), "");
        assert.equal((await kvp.setIpInfo({ ...oneAddress, adapter })).status, KvpStatus.ok);
      }),
  },
  {
    name: "a request with any fault is an invalid argument, and nothing is touched",
    service: "kvp",
    who: ["ours"],
    seconds: 120,
    run: (context) =>
      withScript(context, "exit 0", async (kvp) => {
        await context.sh("touch /run/lab-mark; sleep 0.1");
        for (const [name, fault] of faults) {
          const { status } = await kvp.setIpInfo({ adapter, ...oneAddress, ...fault });
          assert.equal(status, KvpStatus.invalidArgument, name);
        }
        const touched = "find /etc /var/lib /run/lab-script -newer /run/lab-mark; rm /run/lab-mark";
        assert.equal(await context.sh(touched), "");
        const full = await kvp.setIpInfo({ adapter, ...fullLists });
        assert.equal(full.status, KvpStatus.ok, "lists that fill their areas");
        assert.match(await readAsScript(context, "ifcfg-eth0"), /^NETMASK67=255\.255\.255\.0$/m);
      }),
  },
  {
    name: "an agent that is killed while it sets addresses takes them back at its next start",
    service: "kvp",
    who: ["ours"],
    seconds: 120,
    run: (context) =>
      withScript(context, "exit 0", async (kvp) => {
        const file = "cat /var/lib/hyperv/ifcfg-eth0";
        for (const time of ["first", "second"]) {
          assert.equal((await kvp.setIpInfo({ adapter, ...oneAddress })).status, 0, time);
        }
        const before = await context.sh(file);
        await context.sh(`rm /run/lab-script/*; ${installScript(context, "sleep 1000")}`);
        const answer = context.answer(
          kvp.setIpInfo({ adapter, ...oneAddress, addresses: "192.0.2.99" }),
        );
        await until(
          20_000,
          "the script",
          async () => (await readAsScript(context, "ifcfg-eth0")) !== "",
        );
        assert.match(await context.sh(file), /192\.0\.2\.99/);
        await context.daemon.restart("SIGKILL");
        assert.equal(await answer, "0x80004005");
        const again = await context.ready("kvp");
        await until(20_000, "what was before", async () => (await context.sh(file)) === before);
        await context.sh(`kill $(pidof sleep); ${installScript(context, "exit 0")}`);
        assert.equal((await again.setIpInfo({ adapter, ...oneAddress })).status, 0, "afterwards");
      }),
  },
  {
    name: "a script that hangs is ended before the host's patience is",
    service: "kvp",
    who: ["ours"],
    guests: ["g612"],
    seconds: 120,
    run: (context) =>
      withScript(context, "sleep 1000", async (kvp) => {
        const { status, milliseconds } = await kvp.setIpInfo({ adapter, ...oneAddress });
        assert.equal(status, KvpStatus.fail);
        assert.ok(milliseconds < 28_000, `${milliseconds} ms`);
        assert.equal(await context.sh("pidof sleep || echo none"), "none");
        const again = await kvp.getIpInfo(mac);
        assert.equal(again.status, KvpStatus.ok);
      }),
  },
];
