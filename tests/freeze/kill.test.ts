// Whatever is killed, and whenever: nothing stays frozen.

import { describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import { areWritable, LoopMounts, Write } from "../support/loop-mounts.ts";
import {
  configure,
  executable,
  isMarked,
  processesCalled,
  startCommand,
  untilFreezing,
} from "../support/freezing-machine.ts";
import { until } from "../support/until.ts";

// Far less than the deadline of the freeze; usually some 20 ms.
const isThawed = 10_000;

/** Four file systems in three steps, so that there is something between the steps. */
function machine(mounts: LoopMounts): readonly string[] {
  const outer = mounts.make("xfs", "outer");
  const middle = mounts.make("ext4", "middle", outer);
  return [outer, middle, mounts.make("ext4", "inner", middle), mounts.make("btrfs")];
}

/** Lets a time pass that is too short for a timer. */
function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end) {
    // Nothing else may run here: the moment of the kill is what is tested.
  }
}

/** Whether the thread that writes the log waits for a disk. */
function isLogWaiting(id: number): boolean {
  return readdirSync(`/proc/${id}/task`).some((thread) => {
    try {
      return readFileSync(`/proc/${id}/task/${thread}/stat`, "utf8").includes("(log) D ");
    } catch {
      // It has just ended.
      return false;
    }
  });
}

describe.skipIf(!isPrivateMachine())("a killed hvguest", () => {
  test("leaves nothing frozen, at fifty moments of a freeze", async () => {
    using mounts = new LoopMounts();
    const paths = machine(mounts);
    configure();
    let unfinished = 0;
    for (let kill = 0; kill < 50; kill += 1) {
      await using freeze = startCommand("vss", "freeze", "--for", "60s");
      await until(() => isMarked() || undefined);
      // A freeze of these takes about 20 ms.
      spin(kill * 0.5);
      freeze.kill("SIGKILL");
      unfinished += freeze.errors.includes("frozen after") ? 0 : 1;
      expect(await areWritable(paths, isThawed)).toBe(true);
      await until(() => !isMarked() && processesCalled("hvguest-guard").length === 0);
    }
    // The moments were early enough to hit freezes that were going on.
    expect(unfinished).toBeGreaterThan(10);
  }, 300_000);

  test("leaves nothing frozen, at ten moments of a thaw", async () => {
    using mounts = new LoopMounts();
    const paths = machine(mounts);
    configure();
    for (let kill = 0; kill < 10; kill += 1) {
      await using freeze = startCommand("vss", "freeze", "--for", "60s");
      await freeze.logged("frozen after");
      freeze.kill("SIGTERM");
      spin(kill * 0.3);
      freeze.kill("SIGKILL");
      expect(await areWritable(paths, isThawed)).toBe(true);
      await until(() => !isMarked() && processesCalled("hvguest-guard").length === 0);
    }
  }, 120_000);

  test("leaves nothing frozen while it writes to what it has frozen", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    configure();
    const log = openSync(`${path}/log`, "w");
    const freeze = spawn(executable, ["vss", "freeze", "--for", "60s"], {
      stdio: ["ignore", "ignore", log],
    });
    closeSync(log);
    // Its log waits for the thaw, and keeps the process from ending.
    await until(() => isMarked() && isLogWaiting(freeze.pid ?? 0));
    freeze.kill("SIGKILL");
    expect(await areWritable([path], isThawed)).toBe(true);
    await until(() => !isMarked() && processesCalled("hvguest-guard").length === 0);
  });

  test("that has lost its guard before is thawed by the next one", async () => {
    using mounts = new LoopMounts();
    const paths = [mounts.make("ext4"), mounts.make("btrfs")];
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    const [guard = 0] = processesCalled("hvguest-guard");
    freeze.kill("SIGSTOP");
    process.kill(guard, "SIGKILL");
    freeze.kill("SIGKILL");
    await freeze.exited;
    const write = new Write(paths[0] ?? "");
    expect(await write.endsWithin(300)).toBe(false);
    const thaw = spawnSync(executable, ["vss", "thaw"], { encoding: "utf8" });
    expect(thaw.status).toBe(0);
    expect(thaw.stdout).toBe(paths.map((path) => `${path}: thawed\n`).join(""));
    expect(thaw.stderr).toContain("a process that ended had left file systems frozen, thawed");
    expect(await areWritable(paths, isThawed)).toBe(true);
    expect(isMarked()).toBe(false);
  });

  test("guard does not keep anything frozen, and the next freeze has another one", async () => {
    using mounts = new LoopMounts();
    const paths = [mounts.make("ext4")];
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    process.kill(processesCalled("hvguest-guard")[0] ?? 0, "SIGKILL");
    freeze.kill("SIGTERM");
    expect(await freeze.exited).toBe(0);
    expect(await areWritable(paths, isThawed)).toBe(true);
  });

  test("agent that hangs is overtaken by the guard's deadline", async () => {
    using mounts = new LoopMounts();
    const paths = [mounts.make("ext4"), mounts.make("xfs")];
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    await untilFreezing();
    await freeze.logged("frozen after");
    freeze.kill("SIGSTOP");
    expect(await areWritable(paths, 30_000)).toBe(true);
    await until(() => !isMarked());
    freeze.kill("SIGCONT");
    await freeze.exited;
  });
});
