// `hvguest vss freeze` and `thaw` on real file systems.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import { areWritable, command, LoopMounts, Write } from "../support/loop-mounts.ts";
import {
  configure,
  executable,
  isMarked,
  processesCalled,
  startCommand,
  untilFreezing,
} from "../support/freezing-machine.ts";
import { until } from "../support/until.ts";

describe.skipIf(!isPrivateMachine())("hvguest vss", () => {
  for (const type of ["ext4", "xfs", "btrfs"] as const) {
    test(`writes to ${type} wait between freeze and thaw and go through after it`, async () => {
      using mounts = new LoopMounts();
      const path = mounts.make(type);
      configure();
      await using freeze = startCommand("vss", "freeze", "--for", "60s");
      await freeze.logged("frozen after");
      const write = new Write(path);
      expect(await write.endsWithin(300)).toBe(false);
      freeze.kill("SIGTERM");
      await write.done;
      expect(await freeze.exited).toBe(0);
      expect(freeze.errors).toContain(`froze ${path} for`);
      expect(isMarked()).toBe(false);
      await until(() => processesCalled("hvguest-guard").length === 0);
    });
  }

  test("a file system in a file of another one is frozen before it, and both thaw", async () => {
    using mounts = new LoopMounts();
    const outer = mounts.make("xfs", "outer");
    const middle = mounts.make("ext4", "middle", outer);
    configure();
    const list = spawnSync(executable, ["vss", "list", "--json"], { encoding: "utf8" }).stdout;
    const rows = list
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { mount_point: string; step?: number })
      .filter(({ step }) => step !== undefined)
      .map(({ mount_point: path, step }) => [step, path]);
    expect(rows).toEqual([
      [1, middle],
      [2, outer],
    ]);
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    expect(await freeze.exited).toBe(0);
    expect(await areWritable([outer, middle], 10_000)).toBe(true);
  });

  test("a file system that is mounted twice is frozen once", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    mounts.mount("again", "--bind", path);
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    expect(await freeze.exited).toBe(0);
    expect(freeze.errors).toContain(`froze ${path} for`);
  });

  test("subvolumes of btrfs are one file system", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("btrfs");
    command("btrfs", "subvolume", "create", `${path}/sub`);
    mounts.mount("sub", "-o", "loop,subvol=sub", `${mounts.directory}/btrfs.img`);
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    expect(await freeze.exited).toBe(0);
    expect(freeze.errors).toContain(`froze ${path} for`);
  });

  test("a read-only file system is left alone", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    command("mount", "-o", "remount,ro", path);
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    expect(await freeze.exited).toBe(0);
    expect(freeze.errors).toContain("froze nothing for");
  });

  test("what somebody else has frozen fails the freeze, stays frozen, and all else thaws", async () => {
    using mounts = new LoopMounts();
    const others = [mounts.make("ext4", "a"), mounts.make("ext4", "b")];
    const foreign = mounts.make("ext4", "c");
    configure();
    command("fsfreeze", "--freeze", foreign);
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    expect(await freeze.exited).toBe(1);
    expect(freeze.errors).toContain(`freeze '${foreign}': somebody else has frozen it`);
    expect(await areWritable(others, 10_000)).toBe(true);
    expect(await new Write(foreign).endsWithin(300)).toBe(false);
    command("fsfreeze", "--unfreeze", foreign);
  });

  test("what somebody else has frozen can be ignored, and is not thawed by us", async () => {
    using mounts = new LoopMounts();
    const ours = mounts.make("ext4", "a");
    const foreign = mounts.make("ext4", "b");
    configure({ already_frozen: "ignore" });
    command("fsfreeze", "--freeze", foreign);
    await using freeze = startCommand("vss", "freeze", "--for", "1s");
    expect(await freeze.exited).toBe(0);
    expect(await areWritable([ours], 10_000)).toBe(true);
    expect(await new Write(foreign).endsWithin(300)).toBe(false);
    command("fsfreeze", "--unfreeze", foreign);
  });

  test("a thaw by somebody else is told", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    command("fsfreeze", "--unfreeze", path);
    freeze.kill("SIGTERM");
    expect(await freeze.exited).toBe(1);
    expect(freeze.errors).toContain(`somebody else has thawed ${path}`);
  });

  test("`vss thaw` ends a freeze of another process", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    const thaw = spawnSync(executable, ["vss", "thaw"], { encoding: "utf8" });
    expect(thaw.stdout).toBe(`${path}: thawed\n`);
    expect(await areWritable([path], 10_000)).toBe(true);
  });

  test("a second freeze is refused while the first lasts", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    configure();
    await using first = startCommand("vss", "freeze", "--for", "60s");
    await first.logged("frozen after");
    await using second = startCommand("vss", "freeze", "--for", "60s");
    expect(await second.exited).toBe(1);
    expect(second.errors).toContain("another process has frozen file systems");
    expect(await new Write(path).endsWithin(300)).toBe(false);
  });

  test("a file system that is detached while frozen is thawed all the same", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    const again = mounts.mount("again", "--bind", path);
    configure({ include: ["/tmp/**"] });
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    command("umount", "--lazy", path);
    freeze.kill("SIGTERM");
    expect(await freeze.exited).toBe(0);
    expect(await areWritable([again], 10_000)).toBe(true);
  });

  test("a full pipe as standard error does not keep anything frozen", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    configure();
    // The reader never reads; the pipe is filled before hvguest starts.
    const script = `{ yes | head -c 65536; exec ${executable} vss freeze --for 1s; } 2>&1 | sleep 1000`;
    const shell = Bun.spawn(["/bin/sh", "-c", script], { stdout: "ignore", detached: true });
    try {
      await untilFreezing();
      await until(() => !isMarked());
      expect(await areWritable([path], 10_000)).toBe(true);
    } finally {
      process.kill(-shell.pid, "SIGKILL");
    }
  });
});
