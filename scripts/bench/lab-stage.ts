// A guest of the lab as a stage: a real kernel, emulated without acceleration.

import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reply } from "../../tests/lab/host/component.ts";
import { Host } from "../../tests/lab/host/host.ts";
import { prepare } from "../../tests/lab/prepare.ts";
import { Daemon } from "../../tests/lab/runner/daemon.ts";
import type { GuestName } from "../../tests/lab/vm/cache.ts";
import { Machine } from "../../tests/lab/vm/machine.ts";
import { executablePath } from "../build.ts";
import type { Who } from "./figures.ts";
import { type BenchDaemon, type BenchStage, moreAdapters } from "./stage.ts";

/** The cards beside eth0, as the guest's driver knows them. */
const cards = `cd /sys/bus/virtio/devices; for card in $(ls | sort -V); do
  [ "$(cat $card/device)" = 0x0001 ] && [ ! -e $card/net/eth0 ] || continue
  `;

/** Boots a guest; disposing ends it. */
export async function labStage(guest: GuestName): Promise<BenchStage & AsyncDisposable> {
  await prepare([guest]);
  const share = mkdtempSync(join(tmpdir(), "hvguest-bench-"));
  linkSync(executablePath, join(share, "hvguest"));
  const machine = await Machine.start({ guest, share, disks: true, extra: moreCards() });
  const removeAdapters = async () => {
    await machine.run(`${cards} echo $card > /sys/bus/virtio/drivers/virtio_net/unbind; done`);
  };
  await removeAdapters();
  // Pools are on a disk, as in any guest that keeps them over a reboot.
  await machine.run(
    "mkdir -p /mnt/ext4/pools /var/lib/hyperv; mount -o bind /mnt/ext4/pools /var/lib/hyperv",
  );
  await machine.try("ip link set eth0 up; ip addr add 192.0.2.10/24 dev eth0");
  const adapter = (await machine.run("cat /sys/class/net/eth0/address")).trim().toUpperCase();
  const kernel = (await machine.run("uname -r")).trim();
  return {
    title: `kernel ${kernel} in the lab (${guest}, emulated by QEMU without acceleration)`,
    start: (who, environment = {}) => startDaemon(machine, who, adapter, environment),
    sh: (command) => machine.run(command),
    writeFile: (path, content) => machine.writeFile(path, content),
    addAdapters: async () => {
      await machine.run(`${cards} echo $card > /sys/bus/virtio/drivers/virtio_net/bind; done`);
      await machine.run(
        `for n in $(seq ${moreAdapters}); do
          ip link set eth$n up && ip addr add 198.18.$n.2/24 dev eth$n || exit 1
        done`,
      );
    },
    removeAdapters,
    [Symbol.asyncDispose]: async () => {
      await machine.stop();
      rmSync(share, { recursive: true });
    },
  };
}

/** Cards that the guest's driver lets go of until they are wanted. */
function moreCards(): string[] {
  return Array.from({ length: moreAdapters }, (_, index) => [
    "-device",
    `virtio-net-pci,romfile=,mac=52:54:00:12:35:${(index + 1).toString(16).padStart(2, "0")}`,
  ]).flat();
}

async function startDaemon(
  machine: Machine,
  who: Who,
  adapter: string,
  environment: Readonly<Record<string, string>>,
): Promise<BenchDaemon> {
  const daemon = new Daemon(machine, who, "kvp");
  const host = Host.of(machine);
  const kvp = await host.connect("kvp");
  const before = performance.now();
  const variables = Object.entries({ BENCH: "1", ...environment }).map((pair) => pair.join("="));
  const options = { environment: variables.join(" ") };
  await daemon.start(who === "ours" ? { ...options, as: "hv_kvp_daemon" } : options);
  // The driver answers only once a daemon is registered.
  await kvp.negotiate({ milliseconds: 60_000 });
  await ok(kvp.enumerate(2, 1));
  const startMilliseconds = performance.now() - before;
  return {
    pid: await daemon.pid(),
    startMilliseconds,
    enumerate: (pool, index) => ok(kvp.enumerate(pool, index)),
    set: (pool, key, value) => ok(kvp.set(pool, key, value)),
    list: async (pool) => (await kvp.list(pool)).length,
    ipInfo: () => ok(kvp.getIpInfo(adapter)),
    stop: async () => {
      await daemon.stop();
      host.disconnect();
    },
  };
}

async function ok(reply: Promise<Reply>): Promise<void> {
  const { status } = await reply;
  if (status !== 0) {
    throw new Error(`status 0x${status.toString(16)}`);
  }
}
