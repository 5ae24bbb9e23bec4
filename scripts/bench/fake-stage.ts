// The fake kernel as a stage: this machine's own speed, without a real driver.

import { DaemonProcess } from "../../tests/contract/daemon-process.ts";
import { linuxDaemon, namedDaemons } from "../../tests/contract/daemons.ts";
import { HostStatus } from "../../tests/fake-kernel/host-answer.ts";
import { KvpHost } from "../../tests/fake-kernel/kvp-host.ts";
import { FakeVmbus } from "../../tests/fake-kernel/vmbus.ts";
import type { Who } from "./figures.ts";
import { type BenchDaemon, type BenchStage, moreAdapters } from "./stage.ts";

const adapter = "00:15:5D:01:02:03";

export function fakeStage(): BenchStage {
  const each = (command: string) => sh(`for n in $(seq ${moreAdapters}); do ${command}; done`);
  return {
    title: "this machine, fake kernel (FUSE)",
    start: startDaemon,
    sh,
    writeFile: async (path, content) => {
      await Bun.write(path, content);
    },
    addAdapters: async () => {
      await each("ip tuntap add nic$n mode tap && ip link set nic$n up || exit 1");
      await each("ip address add 198.18.$n.2/24 dev nic$n || exit 1");
    },
    removeAdapters: async () => {
      await each("ip tuntap del nic$n mode tap || exit 1");
    },
  };
}

async function sh(command: string): Promise<string> {
  const child = Bun.spawn(["/bin/sh", "-c", command], { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) {
    throw new Error(`failed: ${command}`);
  }
  return text;
}

async function startDaemon(
  who: Who,
  environment: Readonly<Record<string, string>> = {},
): Promise<BenchDaemon> {
  const bus = new FakeVmbus();
  const driver = bus.offerKvp();
  const program = who === "c" ? linuxDaemon("kvp") : namedDaemons("kvp")[0];
  if (program === undefined) {
    throw new Error("there is no program to measure");
  }
  const before = performance.now();
  const daemon = new DaemonProcess(program, { environment });
  await driver.ready();
  const startMilliseconds = performance.now() - before;
  const host = new KvpHost(driver);
  return {
    pid: daemon.pid,
    startMilliseconds,
    enumerate: async (pool, index) => {
      requireOk((await host.enumerate(pool, index)).status);
    },
    set: async (pool, key, value) => {
      requireOk(await host.set(pool, key, value));
    },
    list: async (pool) => (await host.list(pool)).length,
    ipInfo: async () => {
      requireOk((await host.ipInfo(adapter)).status);
    },
    stop: async () => {
      await daemon[Symbol.asyncDispose]();
      bus.close();
    },
  };
}

function requireOk(status: number): void {
  if (status !== HostStatus.ok) {
    throw new Error(`status 0x${status.toString(16)}`);
  }
}
