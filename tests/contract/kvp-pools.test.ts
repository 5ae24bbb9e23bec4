// Pool files that are large, damaged, written by others or not writable.

import { expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostStatus } from "../fake-kernel/host-answer.ts";
import { contract } from "./contract.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { emptyBus, poolDirectory, startKvp } from "./guests.ts";

const keyBytes = 512;
const recordBytes = 2560;

function poolFile(pool: number): string {
  return join(poolDirectory, `.kvp_pool_${pool}`);
}

function record(key: string | Buffer, value: string): Buffer {
  const bytes = Buffer.alloc(recordBytes);
  Buffer.from(key).copy(bytes);
  bytes.write(value, keyBytes);
  return bytes;
}

function writePool(pool: number, ...records: readonly Buffer[]): void {
  writeFileSync(poolFile(pool), Buffer.concat(records));
}

/** The records of a pool file, without what follows the end of a text. */
function readPool(pool: number): { key: string; value: string }[] {
  const file = readFileSync(poolFile(pool));
  const text = (area: Buffer) => area.toString("utf8", 0, area.indexOf(0));
  return Array.from({ length: Math.floor(file.length / recordBytes) }, (_, index) => {
    const bytes = file.subarray(index * recordBytes, (index + 1) * recordBytes);
    return { key: text(bytes), value: text(bytes.subarray(keyBytes)) };
  });
}

contract("kvp", "pool files", ({ both, differs, ours }) => {
  both("makes five files of mode 644", async (program) => {
    await using _guest = await startKvp(program);
    const files = readdirSync(poolDirectory).filter((name) => name.startsWith(".kvp_pool_"));
    expect(files.sort()).toEqual([0, 1, 2, 3, 4].map((pool) => `.kvp_pool_${pool}`));
    for (const pool of [0, 1, 2, 3, 4]) {
      expect(statSync(poolFile(pool)).mode & 0o777).toBe(0o644);
    }
  });

  both("writes what the host sets before it answers", async (program) => {
    await using guest = await startKvp(program);
    await guest.host.set(3, "HostName", "host.example.com");
    expect(readPool(3)).toEqual([{ key: "HostName", value: "host.example.com" }]);
  });

  both("lists a thousand records", async (program) => {
    const items = Array.from({ length: 1000 }, (_, index) => ({
      key: `key ${index}`,
      value: `value ${index}`,
    }));
    await using guest = await startKvp(program, {
      prepare: () => writePool(1, ...items.map(({ key, value }) => record(key, value))),
    });
    expect(await guest.host.list(1)).toEqual(items);
  });

  both("shows what another program appends", async (program) => {
    await using guest = await startKvp(program);
    expect(await guest.host.list(1)).toEqual([]);
    writeFileSync(poolFile(1), record("late", "1"), { flag: "a" });
    expect(await guest.host.list(1)).toEqual([{ key: "late", value: "1" }]);
    writeFileSync(poolFile(1), record("later", "2"), { flag: "a" });
    expect(await guest.host.list(1)).toHaveLength(2);
  });

  both("keeps a key and a value of the largest size", async (program) => {
    await using guest = await startKvp(program);
    const key = "k".repeat(254);
    const value = "v".repeat(1022);
    expect(await guest.host.set(0, key, value)).toBe(HostStatus.ok);
    expect(await guest.host.list(0)).toEqual([{ key, value }]);
  });

  differs("a key that was appended twice", {
    linux: [
      "is listed twice",
      async (program) => {
        await using guest = await startKvp(program, { prepare: duplicates });
        expect((await guest.host.list(1)).map(({ value }) => value)).toEqual(["1", "2", "3"]);
      },
    ],
    hvguest: [
      "is listed once, with its last value",
      async (program) => {
        await using guest = await startKvp(program, { prepare: duplicates });
        const items = await guest.host.list(1);
        expect(new Set(items.map(({ key, value }) => `${key}=${value}`))).toEqual(
          new Set(["twice=3", "once=2"]),
        );
        expect(items).toHaveLength(2);
      },
    ],
  });

  differs("a record that is not UTF-8", {
    linux: [
      "ends the host's enumeration",
      async (program) => {
        await using guest = await startKvp(program, { prepare: badRecord });
        expect(await guest.host.enumerate(1, 1)).toEqual({ status: HostStatus.fail });
      },
    ],
    hvguest: [
      "is passed on in a safe form",
      async (program) => {
        await using guest = await startKvp(program, { prepare: badRecord });
        const items = await guest.host.list(1);
        expect(items).toHaveLength(3);
        expect(items[2]).toEqual({ key: "after", value: "3" });
      },
    ],
  });

  differs("a file that ends in the middle of a record", {
    linux: [
      "is read up to there",
      async (program) => {
        await using guest = await startKvp(program, { prepare: tornFile });
        expect(await guest.host.list(1)).toEqual([{ key: "whole", value: "1" }]);
      },
    ],
    hvguest: [
      "is repaired, and the original is kept beside it",
      async (program) => {
        await using guest = await startKvp(program, { prepare: tornFile });
        expect(await guest.host.list(1)).toContainEqual({ key: "whole", value: "1" });
        expect(await guest.host.set(1, "new", "2")).toBe(HostStatus.ok);
        expect(statSync(poolFile(1)).size % recordBytes).toBe(0);
        const original = Buffer.concat([record("whole", "1"), Buffer.from("torn")]);
        const kept = readdirSync(poolDirectory).filter(
          (name) => !readFileSync(join(poolDirectory, name)).compare(original),
        );
        expect(kept).toHaveLength(1);
      },
    ],
  });

  differs("a full disk", {
    linux: [
      "ends it, and leaves a pool that is cut in the middle of a record",
      async (program) => {
        await using guest = await startKvp(program, { prepare: firstRecord });
        using _full = fillDisk();
        await expect(guest.host.set(1, "new", "2")).rejects.toThrow("reset");
        expect(await guest.daemon.exitStatus()).toBe(1);
        expect(statSync(poolFile(1)).size % recordBytes).not.toBe(0);
      },
    ],
    hvguest: [
      "has its own status for the host, and the pool stays as it was",
      async (program) => {
        await using guest = await startKvp(program, { prepare: firstRecord });
        {
          using _full = fillDisk();
          expect(await guest.host.set(1, "new", "2")).toBe(HostStatus.diskFull);
          expect(await guest.host.list(1)).toEqual([{ key: "first", value: "1" }]);
          expect(readPool(1)).toEqual([{ key: "first", value: "1" }]);
        }
        expect(await guest.host.set(1, "new", "2")).toBe(HostStatus.ok);
      },
    ],
  });

  differs("a pool that cannot be opened", {
    linux: [
      "ends it with status 1",
      async (program) => {
        using _bus = emptyBus();
        mkdirSync(poolFile(1));
        await using daemon = new DaemonProcess(program);
        expect(await daemon.exitStatus()).toBe(1);
      },
    ],
    hvguest: [
      "is empty for the host: the other pools are served",
      async (program) => {
        await using guest = await startKvp(program, { prepare: () => mkdirSync(poolFile(1)) });
        expect(await guest.host.list(1)).toEqual([]);
        expect(await guest.host.set(1, "key", "value")).toBe(HostStatus.fail);
        expect(await guest.host.set(0, "key", "value")).toBe(HostStatus.ok);
        expect(await guest.host.list(2)).toHaveLength(10);
      },
    ],
  });

  ours("serves pools whose files are removed under it", async (program) => {
    await using guest = await startKvp(program);
    await guest.host.set(0, "key", "value");
    rmSync(poolFile(0));
    expect(await guest.host.list(0)).toEqual([]);
    expect(await guest.host.set(0, "key", "again")).toBe(HostStatus.ok);
    expect(readPool(0)).toEqual([{ key: "key", value: "again" }]);
  });
});

function duplicates(): void {
  writePool(1, record("twice", "1"), record("once", "2"), record("twice", "3"));
}

function badRecord(): void {
  writePool(1, record("before", "1"), record(Buffer.from([0x62, 0xff]), "2"), record("after", "3"));
}

function tornFile(): void {
  writePool(1, record("whole", "1"), Buffer.from("torn"));
}

function firstRecord(): void {
  writePool(1, record("first", "1"));
}

/** Leaves no room beside the pool files. */
function fillDisk(): Disposable {
  const file = join(poolDirectory, "filler");
  const block = Buffer.alloc(4096);
  try {
    for (;;) {
      writeFileSync(file, block, { flag: "a" });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") {
      throw error;
    }
  }
  return { [Symbol.dispose]: () => rmSync(file) };
}
