// A Debian with systemd on a real kernel and a simulated host, which gets nothing but
// our package: it boots, is provisioned by cloud-init out of KVP, passes what
// Microsoft's test suite (LISA) looks at, and loses the package again.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buildExecutable, executablePath } from "../../scripts/build.ts";
import { buildPackages } from "../../scripts/package.ts";
import { Host } from "../lab/host/host.ts";
import { ShutdownFlag } from "../lab/host/kernel-services.ts";
import { type KvpHost, type KvpItem, KvpPool } from "../lab/host/kvp.ts";
import { prepare } from "../lab/prepare.ts";
import { until } from "../lab/vm/deadline.ts";
import { SystemMachine } from "../lab/vm/system-machine.ts";

const userData = `#cloud-config
users:
  - name: fromhost
    lock_passwd: true
runcmd:
  - [ sh, -c, "echo ran > /var/lib/provisioned" ]
`;

/** What LISA expects a host to have put there at least. */
const hostItems = Array.from({ length: 11 }, (_, number) => `HostItem${number}`);

const share = mkdtempSync(join(tmpdir(), "hvguest-share-"));
let machine: SystemMachine;
let host: Host;
let ownedBefore = "";
let eventsDuringBoot: readonly KvpItem[] = [];

/** Runs a shell command in the guest; what it printed. */
async function guest(command: string, seconds = 120): Promise<string> {
  return (await machine.run(command, seconds * 1000)).trim();
}

const owned = () =>
  guest(
    "find / -xdev '(' -name '*hvguest*' -o -name 'hv_*_daemon*' -o -name 'hv-*-daemon*' -o -name 'hyperv*d*' -o -name 'lsvmbus*' ')' -not -path '/proc/*' -not -path '/sys/*' -not -path '/var/lib/dpkg/*' -not -path '/var/cache/*' -not -path '/var/log/*' -not -path '/var/lib/apt/*' -not -path '/var/lib/cloud/*' -not -path '/etc/host*' | sort",
  );

/** As a host does when data exchange comes up: pushes its items, in compressed parts. */
async function pushSeed(kvp: KvpHost): Promise<void> {
  const encoded = gzipSync(userData).toString("base64");
  const half = Math.ceil(encoded.length / 2);
  const items = {
    "cloud-init.user-data.0": encoded.slice(0, half),
    "cloud-init.user-data.1": encoded.slice(half),
    "cloud-init.user-data.parts": "2",
    "cloud-init.user-data.encoding": "gzip+base64",
    "cloud-init.meta-data": "local-hostname: provisioned\n",
  };
  for (const [key, value] of Object.entries(items)) {
    expect((await kvp.set(KvpPool.external, key, value)).status).toBe(0);
  }
  for (const key of hostItems) {
    expect((await kvp.set(KvpPool.autoExternal, key, "x")).status).toBe(0);
  }
}

/** Reboots; meanwhile the host pushes the seed and reads what cloud-init reports. */
async function rebootAndProvision(): Promise<void> {
  const before = await guest("cat /proc/sys/kernel/random/boot_id");
  machine.job("systemctl reboot");
  await until(600_000, "reboot of the guest", async () => {
    await machine.waitBoot(600_000);
    const now = await machine
      .try("cat /proc/sys/kernel/random/boot_id", 5000)
      .catch(() => undefined);
    return now !== undefined && now.code === 0 && now.stdout.trim() !== before;
  });
  host.disconnect();
  host = Host.of(machine);
  const kvp = await host.service("kvp", 600_000);
  await pushSeed(kvp);
  eventsDuringBoot = await until(600_000, "a report of cloud-init", async () => {
    const items = await kvp.list(KvpPool.guest);
    return items.length > 0 ? items : undefined;
  });
  await machine.waitUp(600_000);
}

beforeAll(async () => {
  if (!existsSync(executablePath)) {
    buildExecutable();
  }
  const [deb = ""] = buildPackages(["deb"], true, join(share, "packages"));
  copyFileSync(deb, join(share, "hvguest.deb"));
  await prepare(["gsys"]);
  machine = await SystemMachine.startSystem({
    share,
    network: "networkd",
    hasPeer: false,
  });
  host = Host.of(machine);
  await machine.waitUp(600_000);
  ownedBefore = await owned();
}, 1_800_000);

afterAll(async () => {
  host?.disconnect();
  await machine?.stop();
  rmSync(share, { recursive: true, force: true });
});

test("the package takes the place of Debian's daemons while they run", async () => {
  await guest("DEBIAN_FRONTEND=noninteractive apt-get install -y /mnt/share/hvguest.deb", 300);
  await guest("dpkg --purge hyperv-daemons");
  expect(await guest("systemctl is-active hvguest.service")).toBe("active");
  expect(await guest("pgrep -c -f '^/usr/sbin/hv_' || true")).toBe("0");
  const kvp = await host.service("kvp", 120_000);
  expect((await kvp.enumerate(KvpPool.auto, 0)).item?.key).toBe("FullyQualifiedDomainName");
}, 600_000);

test("cloud-init is provisioned by what the host put into KVP during the boot", async () => {
  await guest("systemctl enable hvguest-seed.service 2>&1");
  await machine.writeFile(
    "/etc/cloud/cloud.cfg.d/95-reporting.cfg",
    "reporting: {telemetry: {type: hyperv}}\n",
  );
  writeFileSync(join(share, "gsys.cloud"), "1\n");
  await rebootAndProvision();
  await guest("cloud-init status --wait", 300);
  expect(await guest("cat /var/lib/provisioned")).toBe("ran");
  expect(await guest("id -un fromhost")).toBe("fromhost");
  expect(await guest("hostname")).toBe("provisioned");
  expect(await guest("stat -c %a /var/lib/cloud/seed/nocloud/user-data")).toBe("600");
  expect(await guest("cloud-init query instance_id")).toMatch(/^hvguest-[0-9a-f]{32}$/);
  expect(await guest("journalctl -b -o cat -u hvguest-seed.service")).toContain("user-data");
  expect(await guest("journalctl -b -o cat | grep -c fromhost.*lock_passwd || true")).toBe("0");
}, 1_800_000);

test("the host reads cloud-init's events while cloud-init writes them", async () => {
  expect(eventsDuringBoot[0]?.key).toStartWith("CLOUD_INIT|");
  const kvp = await host.service("kvp");
  const items = await kvp.list(KvpPool.guest);
  expect(items.length).toBeGreaterThan(eventsDuringBoot.length);
  for (const { key, value } of items) {
    expect(key).toMatch(/^CLOUD_INIT\|\d+\|/);
    expect(JSON.parse(value)).toHaveProperty("msg");
  }
}, 120_000);

test("no unit failed, every name of the units is active, and cloud-init waited for us", async () => {
  expect(await guest("systemctl --failed --no-legend")).toBe("");
  for (const unit of ["hvguest", "hv-kvp-daemon", "hv_kvp_daemon", "hypervkvpd", "hypervvssd"]) {
    expect(await guest(`systemctl is-active ${unit}.service`)).toBe("active");
  }
  const times = await guest(
    "for u in hvguest hvguest-seed cloud-init-local; do systemctl show -p ActiveEnterTimestampMonotonic --value $u; done",
  );
  const [agent = 0, seed = 0, cloudInit = 0] = times.split("\n").map(Number);
  expect(agent).toBeGreaterThan(0);
  expect(seed).toBeGreaterThan(agent);
  expect(cloudInit).toBeGreaterThan(seed);
}, 120_000);

test("all services answer the host under the unit's sandbox", async () => {
  const kvp = await host.service("kvp");
  const names = (await kvp.list(KvpPool.auto)).map(({ key }) => key);
  expect(names).toContain("OSName");
  const vss = await host.service("vss");
  expect((await vss.check()).status).toBe(0);
  expect((await vss.freeze()).status).toBe(0);
  expect((await vss.thaw()).status).toBe(0);
  const fcopy = await host.service("fcopy");
  expect((await fcopy.copy("/tmp/", "from-host", Buffer.from("hello"))).status).toBe(0);
  expect(await guest("cat /tmp/from-host")).toBe("hello");
  expect(JSON.parse(await guest("hvguest doctor --json"))).toMatchObject({ ok: true });
  const status = await guest("hvguest status");
  expect(status).toMatch(/^kvp +\/dev\/vmbus\/hv_kvp, registered, version [\d.]+, \d+ requests/m);
  expect(status).toMatch(/^fcopy +\/dev\/uio0, registered/m);
}, 120_000);

test("the host sets an address, though the agent has no right to", async () => {
  const kvp = await host.service("kvp");
  const { status } = await kvp.setIpInfo({
    adapter: "{f8615163-0000-1000-2000-525400123456}",
    family: 1,
    addresses: "192.0.2.77",
    subnets: "255.255.255.0",
    gateways: "192.0.2.1",
  });
  expect(status).toBe(0);
  expect(await guest("ip -4 addr show eth0")).toContain("192.0.2.77/24");
}, 120_000);

test("the host's request to hibernate reaches systemd, each time", async () => {
  const shutdown = await host.service("shutdown");
  for (const times of [1, 2]) {
    expect((await shutdown.shutDown(ShutdownFlag.hibernate)).status).toBe(0);
    // Without swap space systemd refuses, which is what the journal tells.
    await until(180_000, "the unit that hibernates", async () => {
      const lines = await guest("journalctl -b -o cat -u hvguest-hibernate.service --no-pager");
      const state = await guest("systemctl is-active hvguest-hibernate.service || true");
      // A request that comes while the last one is dealt with is one with it.
      const hasEnded = state !== "activating" && state !== "deactivating";
      return hasEnded && lines.split("Starting hvguest-hibernate.service").length > times
        ? true
        : undefined;
    });
  }
  await guest("systemctl reset-failed hvguest-hibernate.service || true");
}, 600_000);

test("LISA's checks of data exchange pass", async () => {
  const processes = await guest("pgrep -l 'hypervkvpd|hv_kvp_daemon'");
  expect(processes.split("\n").length).toBe(1);
  const pid = processes.split(" ")[0];
  expect(await guest(`ls -l /proc/${pid}/fd`)).toContain("-> /dev/vmbus/hv_kvp");
  const modes = await guest("stat -c '%a' /var/lib/hyperv/.kvp_pool_*");
  expect(modes).toBe(Array.from({ length: 5 }, () => "644").join("\n"));
  const keys = await guest("hvguest kvp list --pool 3 --json");
  expect(new Set(keys.match(/HostItem\d+/g)).size).toBe(hostItems.length);
  expect(await guest("stat -c %s /var/lib/hyperv/.kvp_pool_3")).toBe(String(11 * 2560));
  await guest("systemctl restart hypervkvpd.service");
  expect(await guest("systemctl is-active hv-kvp-daemon.service")).toBe("active");
}, 120_000);

test("LISA finds every device of lsvmbus by its expressions", async () => {
  const text = await guest("lsvmbus -vv");
  const blocks = text.match(/VMBUS ID[\w\W]*?(?=VMBUS ID|$)/g) ?? [];
  expect(blocks.length).toBe(Number(await guest("ls /sys/bus/vmbus/devices | wc -l")));
  for (const block of blocks) {
    expect(block).toMatch(/^VMBUS ID\s+(\d+): Class_ID = {?(.+?)}? - \[?(.+?)\]?$/m);
    expect(block).toMatch(/Device_ID = {?(.+?)}?$/m);
    expect(block).toMatch(/Rel_ID=(\d+), target_cpu=(\d+)/);
  }
  expect(text).toContain("[Data Exchange]");
}, 120_000);

test("a process for each service works under the tighter units, too", async () => {
  const units = "hvguest-kvp.service hvguest-vss.service hvguest-fcopy.service";
  await guest(`systemctl start ${units}`);
  expect(await guest(`systemctl is-active ${units}`)).toBe("active\nactive\nactive");
  expect(await guest("systemctl is-active hvguest.service || true")).toBe("inactive");
  await until(60_000, "three registrations", async () => {
    const told = JSON.parse(await guest("hvguest status --json")) as {
      services: { registered: boolean }[];
    };
    return told.services.every(({ registered }) => registered) ? true : undefined;
  });
  const kvp = await host.service("kvp");
  expect((await kvp.enumerate(KvpPool.auto, 0)).status).toBe(0);
  await guest("systemctl start hvguest.service");
  expect(await guest(`systemctl is-active ${units} || true`)).toBe("inactive\ninactive\ninactive");
}, 240_000);

test("systemd-analyze security finds the unit no worse than the documentation says", async () => {
  const said = await guest("systemd-analyze security hvguest.service --no-pager | tail -1");
  expect(Number(/level for hvguest.service: ([\d.]+)/.exec(said)?.[1])).toBeLessThanOrEqual(3.7);
}, 120_000);

test("apt purge leaves no file, link or process of the package", async () => {
  await guest("DEBIAN_FRONTEND=noninteractive apt-get purge -y hvguest", 300);
  const left = (await owned()).split("\n").filter((path) => !ownedBefore.includes(path));
  // The address that the host has set is the machine's own now.
  const address = "/etc/systemd/network/00-hvguest-eth0.network";
  expect(left.filter((path) => path !== "" && path !== address)).toEqual([]);
  expect(await guest("ls -A /var/lib/hyperv 2>/dev/null || true")).toBe("");
  expect(await guest("pgrep -c hvguest || true")).toBe("0");
}, 400_000);
