// Addresses set by a host where a real network manager has the interface: they are
// in force, the host is told them, and they survive a restart of the guest.

import assert from "node:assert/strict";
import { type IpInfo, type KvpHost, KvpStatus } from "../host/kvp.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";
import { type NetworkManagerName, SystemMachine, systemMac } from "../vm/system-machine.ts";

const adapter = "{f8615163-0000-1000-2000-525400123456}";

/** Everything at once; 192.0.2.1 is at the other end of the cable. */
const wished: Partial<IpInfo> = {
  adapter,
  family: 3,
  addresses: "192.0.2.20;198.51.100.20;fd00::20",
  subnets: "255.255.255.0;255.255.255.0;64",
  gateways: "192.0.2.1;fd00::1",
  nameServers: "192.0.2.53",
};

const told: Partial<IpInfo> = {
  family: 3,
  isDhcpEnabled: false,
  gateways: "192.0.2.1;fd00::1;",
  nameServers: "192.0.2.53;",
};

/** The scenario's own machine. */
function system(context: Context): SystemMachine {
  assert.ok(context.machine instanceof SystemMachine);
  return context.machine;
}

/** Installs ours as an image would have it, with the step that sets addresses. */
async function install(context: Context): Promise<KvpHost> {
  await context.sh("systemctl disable --now hv-kvp-daemon.service 2>&1 || true");
  await context.sh("/mnt/share/hvguest install --replace 2>&1", 120_000);
  await context.sh(
    "systemctl daemon-reload; systemctl start hvguest-network.socket hvguest.service",
    120_000,
  );
  return context.ready("kvp");
}

/** GET_IP_INFO tells what was set. */
async function assertTold(kvp: KvpHost, expected: Partial<IpInfo>): Promise<void> {
  const { status, info } = await kvp.getIpInfo(systemMac);
  assert.equal(status, KvpStatus.ok);
  const { addresses = "", subnets = "", ...rest } = info ?? {};
  const pairs = addresses.split(";").map((one, index) => `${one} ${subnets.split(";")[index]}`);
  assert.deepEqual(
    pairs.filter((pair) => !pair.startsWith("fe80:")),
    ["192.0.2.20 255.255.255.0", "198.51.100.20 255.255.255.0", "fd00::20 /64"],
  );
  assert.deepEqual({ ...rest, adapter: undefined }, { ...expected, adapter: undefined });
}

/** The other end of the cable reaches the guest at its new address, and at no old one. */
function assertReached(machine: SystemMachine): void {
  assert.equal(machine.peer("ping -c 1 -W 5 192.0.2.20").code, 0, "ping 192.0.2.20");
  assert.notEqual(machine.peer("ping -c 1 -W 1 192.0.2.10").code, 0, "ping 192.0.2.10");
}

async function diagnose(context: Context): Promise<string> {
  const commands = [
    "journalctl -b --no-pager -o short -u 'hvguest*' | tail -n 30",
    "ip addr show eth0; ip route; ip -6 route; networkctl status eth0 --no-pager | head -40",
    "hvguest net show",
    "journalctl -b --no-pager -o short -u systemd-networkd -u NetworkManager -u networking | tail -n 20",
  ];
  const said = await Promise.all(commands.map((command) => context.machine.try(command)));
  return said.map(({ stdout, stderr }) => stdout + stderr).join("\n");
}

async function withDiagnosis(context: Context, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${reason}\n${await diagnose(context)}`, { cause: error });
  }
}

const ofManager = (network: NetworkManagerName): Scenario => ({
  name: `a host's addresses are set through ${network}, told to it, and survive a restart`,
  service: "kvp",
  who: ["ours"],
  guests: ["gsys"],
  system: { network, mask: ["hv-vss-daemon.service"] },
  daemon: "none",
  seconds: 600,
  run: (context) =>
    withDiagnosis(context, async () => {
      const machine = system(context);
      let kvp = await install(context);
      const { status, milliseconds } = await kvp.setIpInfo(wished);
      assert.equal(status, KvpStatus.ok, "SET_IP_INFO");
      assert.ok(milliseconds < 25_000, `${milliseconds} ms`);
      await until(20_000, "name servers", async () => {
        const { info } = await kvp.getIpInfo(systemMac);
        return info?.nameServers === told.nameServers;
      });
      await assertTold(kvp, told);
      assertReached(machine);
      const again = await kvp.setIpInfo(wished);
      assert.equal(again.status, KvpStatus.ok, "the same once more");
      context.host.disconnect();
      await machine.reboot();
      kvp = await context.ready("kvp", 120_000);
      await until(60_000, "addresses after the restart", async () => {
        const { info } = await kvp.getIpInfo(systemMac);
        return info?.addresses.includes("192.0.2.20") && info.nameServers === told.nameServers;
      });
      await assertTold(kvp, told);
      assertReached(machine);
      await context.sh("hvguest net rollback");
      await until(20_000, "the address before", async () =>
        (await kvp.getIpInfo(systemMac)).info?.addresses.includes("192.0.2.10"),
      );
    }),
});

/** As after a failover: the host asks as soon as the guest's data exchange answers. */
const whileStarting = (network: NetworkManagerName): Scenario => ({
  name: `addresses that a host sets while the guest still starts ${network} are in force afterwards`,
  service: "kvp",
  who: ["ours"],
  guests: ["gsys"],
  system: { network, mask: ["hv-vss-daemon.service"] },
  daemon: "none",
  seconds: 600,
  run: (context) =>
    withDiagnosis(context, async () => {
      const machine = system(context);
      await install(context);
      context.host.disconnect();
      const bootId = "cat /proc/sys/kernel/random/boot_id";
      const before = await context.sh(bootId);
      machine.job("systemctl reboot");
      await until(240_000, "the restart", async () => {
        await machine.waitBoot(240_000);
        try {
          return (await machine.run(bootId, 3000)).trim() !== before;
        } catch {
          // Still going down.
          return false;
        }
      });
      let kvp = await context.ready("kvp", 120_000);
      context.saw("state when asked", (await machine.try("systemctl is-system-running")).stdout);
      const { status, milliseconds } = await kvp.setIpInfo(wished);
      assert.equal(status, KvpStatus.ok, "SET_IP_INFO");
      assert.ok(milliseconds < 28_000, `${milliseconds} ms`);
      await machine.waitUp();
      kvp = await context.ready("kvp", 120_000);
      await until(60_000, "addresses after the start", async () => {
        const { info } = await kvp.getIpInfo(systemMac);
        return info?.addresses.includes("192.0.2.20") && info.nameServers === told.nameServers;
      });
      await assertTold(kvp, told);
      assertReached(machine);
    }),
});

/** What the kernel does not show is a failure, and everything is as before. */
const takenBack: Scenario = {
  name: "addresses that do not come into force are taken back, and the host is told of the failure",
  service: "kvp",
  who: ["ours"],
  guests: ["gsys"],
  system: { network: "networkd", mask: ["hv-vss-daemon.service"] },
  daemon: "none",
  seconds: 600,
  run: (context) =>
    withDiagnosis(context, async () => {
      const kvp = await install(context);
      // The other end of the cable has the address already: duplicate detection fails.
      system(context).peer("ip -6 addr add fd00::20/64 dev hv0 nodad");
      const { status, milliseconds } = await kvp.setIpInfo(wished);
      assert.equal(status, KvpStatus.fail, "SET_IP_INFO");
      assert.ok(milliseconds < 28_000, `${milliseconds} ms`);
      const { info } = await kvp.getIpInfo(systemMac);
      assert.ok(info?.addresses.includes("192.0.2.10"), "the address before is told");
      assert.equal(await context.sh("ls /etc/systemd/network"), "10-eth0.network");
      assert.equal(system(context).peer("ping -c 1 -W 5 192.0.2.10").code, 0);
      const log = await context.sh("journalctl -b --no-pager -o cat -u hvguest.service");
      assert.match(log, /fd00::20\/64 is missing; taken back/);
    }),
};

export const networkManagers: readonly Scenario[] = [
  ...(["networkd", "NetworkManager", "netplan", "ifupdown"] as const).map(ofManager),
  ...(["networkd", "NetworkManager"] as const).map(whileStarting),
  takenBack,
];
