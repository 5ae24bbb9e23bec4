import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { NativeError } from "../../src/native/native-error.ts";
import { openRingChannel } from "../../src/transport/ring-channel.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const { EBUSY, EINVAL } = constants.errno;

function errnoOf(act: () => unknown): number | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof NativeError ? error.errno : undefined;
  }
}

test("a device that is not there is no channel, and leaves the lock free", () => {
  const root = temporaryRoot();
  const device = { path: join(root, "uio0"), mapBytes: 65_536, lockPath: join(root, "lock") };
  expect(openRingChannel(device)).toBeUndefined();
  expect(openRingChannel(device)).toBeUndefined();
});

test("a device that another process reads is busy", async () => {
  const root = temporaryRoot();
  const lockPath = join(root, "lock");
  await using holder = Bun.spawn(["flock", lockPath, "sh", "-c", "echo locked; cat"], {
    stdin: "pipe",
    stdout: "pipe",
  });
  await holder.stdout.getReader().read();
  const device = { path: join(root, "uio0"), mapBytes: 65_536, lockPath };
  expect(errnoOf(() => openRingChannel(device))).toBe(EBUSY);
  await holder.stdin.end();
  await holder.exited;
  expect(openRingChannel(device)).toBeUndefined();
});

test("a map that is not two rings of whole pages is refused", () => {
  const root = temporaryRoot();
  const path = join(root, "uio0");
  writeFileSync(path, new Uint8Array(65_536));
  for (const mapBytes of [0, 1, 4096, 8192, 12_288, 16_385, 20_480]) {
    const device = { path, mapBytes, lockPath: join(root, "lock") };
    expect(errnoOf(() => openRingChannel(device))).toBe(EINVAL);
  }
});
