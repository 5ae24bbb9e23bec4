// Mounts that a backup meets but nobody expects.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import {
  configure,
  executable,
  isMarked,
  processesCalled,
  type Running,
  startCommand,
} from "../support/freezing-machine.ts";
import { areWritable, command, LoopMounts, Write } from "../support/loop-mounts.ts";

const isThawed = 10_000;

/** Names as printf(1) writes them: what mountinfo escapes, what it does not, no UTF-8. */
const oddNames = [
  "a b\\tc",
  "a\\nb",
  "a\\\\040b",
  "-o ro",
  "[x]{y}*",
  "\\0303\\0251",
  "\\0351t\\0351",
  "\\0377\\n\\0200",
  "\\0356\\0276\\0200",
];

/**
 * Mounts each file system a second time, below a name. Each is frozen through that: it
 * is the shorter path.
 */
function mountByOddNames(paths: readonly string[], directory: string): void {
  paths.forEach((path, at) => {
    const script = `name=$(printf '%b_' '${oddNames[at]}'); name=${directory}/\${name%_}; mkdir "$name" && mount --bind ${path} "$name"`;
    command("sh", "-c", script);
  });
}

async function ends(freeze: Running): Promise<void> {
  freeze.kill("SIGTERM");
  expect(await freeze.exited).toBe(0);
}

describe.skipIf(!isPrivateMachine())("a freeze", () => {
  test("reaches file systems by whatever name, and so does the next thaw", async () => {
    using mounts = new LoopMounts();
    const paths = oddNames.map((_, at) => mounts.make("ext4", `a-path-that-is-far-longer-${at}`));
    command("mkdir", "/tmp/odd");
    mountByOddNames(paths, "/tmp/odd");
    configure();
    try {
      await using freeze = startCommand("vss", "freeze", "--for", "60s");
      await freeze.logged("frozen after");
      const writes = paths.map((path) => new Write(path));
      expect(await Promise.all(writes.map((write) => write.endsWithin(300)))).not.toContain(true);
      await ends(freeze);
      await Promise.all(writes.map(({ done }) => done));
      expect(freeze.errors.trim().split("\n").length).toBe(2);
      expect(freeze.errors).toContain("/tmp/odd/\\xe9t\\xe9");

      await using killed = startCommand("vss", "freeze", "--for", "60s");
      await killed.logged("frozen after");
      killed.kill("SIGSTOP");
      process.kill(processesCalled("hvguest-guard")[0] ?? 0, "SIGKILL");
      killed.kill("SIGKILL");
      await killed.exited;
      expect(await new Write(paths[0] ?? "").endsWithin(300)).toBe(false);
      expect(spawnSync(executable, ["vss", "thaw"]).status).toBe(0);
      expect(await areWritable(paths, isThawed)).toBe(true);
      expect(isMarked()).toBe(false);
    } finally {
      spawnSync("sh", ["-c", "umount -l /tmp/odd/*; rm -rf --one-file-system /tmp/odd"]);
    }
  });

  test("is not held up by a file on an overlay whose upper half is frozen too", async () => {
    using mounts = new LoopMounts();
    const outer = mounts.make("xfs", "outer");
    command("mkdir", `${outer}/upper`, `${outer}/work`, `${outer}/lower`);
    const options = `lowerdir=${outer}/lower,upperdir=${outer}/upper,workdir=${outer}/work`;
    const merged = mounts.mount("merged", "-t", "overlay", "overlay", "-o", options);
    const inner = mounts.make("ext4", "inner", merged);
    configure();
    for (let cycle = 0; cycle < 5; cycle += 1) {
      // Something to write through the overlay when the inner one freezes.
      command("dd", "if=/dev/urandom", `of=${inner}/file`, "bs=1M", "count=4", "status=none");
      await using freeze = startCommand("vss", "freeze", "--for", "60s");
      await freeze.logged("frozen after");
      await ends(freeze);
    }
    expect(await areWritable([outer, inner], isThawed)).toBe(true);
  });

  test("passes over memory that was mounted by the name of a disk", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    mounts.mount("memory", "-t", "tmpfs", "/dev/sda1");
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    await ends(freeze);
    expect(freeze.errors).toContain(`froze ${path} for`);
  });

  test("of forty file systems among five hundred mounts takes each once", async () => {
    using mounts = new LoopMounts();
    const paths = Array.from({ length: 40 }, (_, at) => mounts.make("ext4", `disk-${at}`));
    command("mkdir", "/tmp/many");
    const script = `for i in $(seq 460); do mkdir /tmp/many/$i; mount --bind ${paths[0]} /tmp/many/$i; done`;
    command("sh", "-c", script);
    configure();
    try {
      await using freeze = startCommand("vss", "freeze", "--for", "60s");
      await freeze.logged("frozen after");
      const writes = paths.map((path) => new Write(path).endsWithin(500));
      expect(await Promise.all(writes)).not.toContain(true);
      await ends(freeze);
      expect(await areWritable(paths, isThawed)).toBe(true);
    } finally {
      spawnSync("sh", ["-c", "umount -l /tmp/many/*; rm -rf --one-file-system /tmp/many"]);
    }
  });

  test("lasts through mounts that come and go meanwhile", async () => {
    using mounts = new LoopMounts();
    const path = mounts.make("ext4");
    const leaving = mounts.make("ext4", "leaving");
    configure();
    await using freeze = startCommand("vss", "freeze", "--for", "60s");
    await freeze.logged("frozen after");
    const late = mounts.make("ext4", "late");
    expect(await areWritable([late], isThawed)).toBe(true);
    expect(spawnSync("umount", [leaving]).status).not.toBe(0);
    mounts.mount("again", "--bind", leaving);
    command("umount", "--lazy", leaving);
    expect(await new Write(path).endsWithin(300)).toBe(false);
    await ends(freeze);
    expect(await areWritable([path, `${mounts.directory}/again`, late], isThawed)).toBe(true);
  });
});
