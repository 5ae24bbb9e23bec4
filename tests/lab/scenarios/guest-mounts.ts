// The file systems of a guest that a backup freezes, and whether they take writes.

import assert from "node:assert/strict";
import type { Context } from "../runner/context.ts";
import type { Daemon } from "../runner/daemon.ts";
import { until } from "../vm/deadline.ts";

/** Disks of every guest. */
export const disks: readonly string[] = ["/mnt/ext4", "/mnt/xfs"];

/** A write that has not ended for this long has been stopped. */
const stoppedMilliseconds = 400;

/**
 * Whether a write to the path ends. On a frozen file system it goes on after the thaw.
 */
export async function isWritable(context: Context, path: string): Promise<boolean> {
  const job = context.machine.job(`echo x > ${path}/written; sync ${path}/written`);
  await Promise.race([job.wait(60_000), Bun.sleep(stoppedMilliseconds)]);
  return job.isDone;
}

export async function assertFrozen(context: Context, paths = disks): Promise<void> {
  for (const path of paths) {
    assert.equal(await isWritable(context, path), false, `a write to ${path} passes while frozen`);
  }
}

function writesTo(paths: readonly string[]): string {
  return paths.map((path) => `echo y > ${path}/after`).join(" && ");
}

/** Waits until writes end; the guests are slow, so that the time itself says little. */
export async function assertThawed(context: Context, paths = disks): Promise<void> {
  await context.sh(writesTo(paths), 30_000);
}

/** Whether writes end by themselves. That the C daemon lets them wait is soon seen. */
export async function thaws(context: Context): Promise<boolean> {
  const job = context.machine.job(writesTo(disks));
  await Promise.race([job.wait(60_000), Bun.sleep(context.who === "c" ? 2000 : 30_000)]);
  return job.isDone;
}

/** Lines of the daemon's log with a text in them, once there is one. */
export function logged(daemon: Daemon, text: string): Promise<string> {
  return until(20_000, `'${text}' in the daemon's log`, async () => {
    return (await daemon.log()).split("\n").find((line) => line.includes(text));
  });
}
