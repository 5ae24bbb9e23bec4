import { expect, spyOn, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { Status } from "../../../src/protocol/status.ts";
import * as attributes from "../../support/attributes.ts";
import { receiving, unlimited } from "./receiving.ts";

const content = Buffer.alloc(20_000, "content of a file ");

test("a file has its name only when all of it has come", async () => {
  const { start, write, complete, names, directory, ends } = receiving();
  expect(await start({ fileSize: 20_000n })).toBe(Status.ok);
  expect(await write(0, content)).toBe(Status.ok);
  expect(names()).toEqual([]);
  expect(await complete()).toBe(Status.ok);
  expect(names()).toEqual(["file"]);
  expect(readFileSync(join(directory, "file")).equals(content)).toBe(true);
  expect(statSync(join(directory, "file")).mode & 0o7777).toBe(0o744);
  expect(ends).toEqual([undefined]);
});

test("an empty file arrives", async () => {
  const { start, complete, names } = receiving();
  expect(await start()).toBe(Status.ok);
  expect(await complete()).toBe(Status.ok);
  expect(names()).toEqual(["file"]);
});

test("fragments may come in any order, twice, and over each other", async () => {
  const { start, write, complete, directory } = receiving();
  await start({ fileSize: 20_000n });
  for (const [from, to] of [
    [15_000, 20_000],
    [0, 5000],
    [0, 5000],
    [4000, 11_000],
    [10_000, 15_000],
  ] as const) {
    expect(await write(from, content.subarray(from, to))).toBe(Status.ok);
  }
  expect(await complete()).toBe(Status.ok);
  expect(readFileSync(join(directory, "file")).equals(content)).toBe(true);
});

test("a file with a hole, or that ends too soon, does not arrive", async () => {
  const { start, write, complete, names } = receiving();
  for (const parts of [[], [0], [1], [0, 2]]) {
    await start({ fileSize: 3000n });
    for (const part of parts) {
      await write(part * 1000, content.subarray(0, 1000));
    }
    expect(await complete()).toBe(Status.fail);
    expect(names()).toEqual([]);
  }
});

test("data beyond the announced size fail, and the file can still be completed", async () => {
  const { start, write, complete } = receiving();
  await start({ fileSize: 10n });
  expect(await write(0, "0123456789")).toBe(Status.ok);
  for (const offset of [10n, 5n, (1n << 63n) - 1n, (1n << 64n) - 1n]) {
    expect(await write(offset, "abcdefgh")).toBe(Status.fail);
  }
  expect(await complete()).toBe(Status.ok);
});

test("the old file stays until the new one is complete, and gives its mode and owner", async () => {
  const { start, write, complete, cancel, directory, names } = receiving();
  const path = join(directory, "file");
  writeFileSync(path, "old", { mode: 0o640 });
  expect(await start({ fileSize: 3n })).toBe(Status.alreadyExists);
  await start({ fileSize: 3n, overWrite: true });
  await write(0, "new");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(await cancel()).toBe(Status.ok);
  expect(readFileSync(path, "utf8")).toBe("old");
  await start({ fileSize: 3n, overWrite: true });
  await write(0, "new");
  expect(await complete()).toBe(Status.ok);
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o7777).toBe(0o640);
  expect(names()).toEqual(["file"]);
});

test("the old file hands over its attributes", async () => {
  const { start, complete, directory } = receiving();
  const path = join(directory, "file");
  writeFileSync(path, "old");
  attributes.set(path, "user.origin", "here");
  expect(await start({ overWrite: true })).toBe(Status.ok);
  expect(await complete()).toBe(Status.ok);
  expect(statSync(path).size).toBe(0);
  expect(attributes.get(path, "user.origin")).toBe("here");
});

test("a file that somebody else makes meanwhile is not replaced", async () => {
  const { start, write, complete, directory, ends } = receiving();
  await start({ fileSize: 3n });
  await write(0, "new");
  writeFileSync(join(directory, "file"), "theirs");
  expect(await complete()).toBe(Status.alreadyExists);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("theirs");
  expect(ends[0]).toContain("exists by now");
});

test("a second start drops the first file and what was made for it", async () => {
  const { start, write, complete, directory, names, ends } = receiving();
  const deep = { pathName: `${directory}/a/b/`, createPath: true, fileSize: 3n };
  expect(await start(deep)).toBe(Status.ok);
  await write(0, "one");
  expect(await start({ fileName: "second" })).toBe(Status.ok);
  expect(names()).toEqual([]);
  expect(await complete()).toBe(Status.ok);
  expect(names()).toEqual(["second"]);
  expect(ends).toEqual(["the host began another file", undefined]);
});

test("what belongs to no file fails, and a cancellation of nothing is done", async () => {
  const { write, complete, cancel } = receiving();
  expect(await write(0, "x")).toBe(Status.fail);
  expect(await complete()).toBe(Status.fail);
  expect(await cancel()).toBe(Status.ok);
});

test("a size that no disk has is refused as a full disk", async () => {
  const { start, names } = receiving();
  for (const fileSize of [1n << 50n, 1n << 62n, (1n << 64n) - 1n]) {
    expect([Status.diskFull, Status.fileTooLarge] as number[]).toContain(await start({ fileSize }));
  }
  expect(names()).toEqual([]);
});

test("the configuration limits size and place, and says who owns what comes", async () => {
  const { start, complete, directory } = receiving({
    policy: () => ({ ...unlimited, largestFile: 100n, denied: ["/etc", "/proc"] }),
    ownership: () => ({ mode: 0o600, uid: undefined, gid: undefined }),
  });
  expect(await start({ fileSize: 101n })).toBe(Status.fileTooLarge);
  expect(await start({ pathName: "/etc/" })).toBe(Status.accessDenied);
  expect(await start({ pathName: "/tmp/../etc/x/", createPath: true })).toBe(Status.accessDenied);
  expect(await start({ fileSize: 0n })).toBe(Status.ok);
  expect(await complete()).toBe(Status.ok);
  expect(statSync(join(directory, "file")).mode & 0o7777).toBe(0o600);
});

test("what is not awaited any more is not begun, and a late start is taken back", async () => {
  const { receiver, names, ends } = receiving();
  const given = AbortSignal.abort();
  const request = { operation: "complete" } as const;
  expect(receiver.answer(request, given)).rejects.toThrow();
  expect(names()).toEqual([]);
  expect(ends).toEqual([]);
});

test("data that a thread has answered and could not write fail the file", async () => {
  const { start, write, complete, names } = receiving({
    diversion: { begin: () => undefined, bytes: () => 5, failure: () => 28, end: () => undefined },
  });
  await start({ fileSize: 10n });
  expect(await write(5, "56789")).toBe(Status.diskFull);
  expect(await complete()).toBe(Status.diskFull);
  expect(names()).toEqual([]);
});

test("data that a thread has written count", async () => {
  let rule: { readonly file: string; readonly fileBytes: number } | undefined;
  const { start, write, complete, directory } = receiving({
    diversion: {
      begin: (given) => {
        rule = given;
        writeFileSync(given.file, "01234");
      },
      bytes: () => 5,
      failure: () => 0,
      end: () => undefined,
    },
  });
  await start({ fileSize: 10n });
  expect(rule?.fileBytes).toBe(10);
  expect(await write(5, "56789")).toBe(Status.ok);
  expect(await complete()).toBe(Status.ok);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("0123456789");
});

/** The next flush is told so; the kernel tells data that the disk has lost once, not to the fsync. */
async function nextFlush(told: () => Promise<void>) {
  await using handle = await open("/dev/null");
  const flush = spyOn(Object.getPrototypeOf(handle) as FileHandle, "datasync");
  return flush.mockImplementationOnce(told);
}

const lostData = () =>
  Object.assign(new Error("EIO"), { code: "EIO", errno: -constants.errno.EIO });

test("a file of which the disk has lost a part while it came does not arrive", async () => {
  const { start, write, complete, receiver, names, ends, directory } = receiving();
  await start({ fileSize: 3n });
  await write(0, "new");
  using _flush = await nextFlush(() => Promise.reject(lostData()));
  await receiver.flush().catch(() => undefined);
  await receiver.flush().catch(() => undefined);
  expect(await complete()).toBe(Status.fail);
  expect(names()).toEqual([]);
  expect(ends).toEqual([`place '${directory}/file': i/o error (EIO)`]);
});

test("a flush that is still under way at the end is waited for", async () => {
  const { start, write, complete, receiver, names } = receiving();
  await start({ fileSize: 3n });
  await write(0, "new");
  const disk = Promise.withResolvers<void>();
  using _flush = await nextFlush(() => disk.promise);
  const flushed = receiver.flush().catch(String);
  const completed = complete();
  await Bun.sleep(20);
  disk.reject(lostData());
  expect(await completed).toBe(Status.fail);
  expect(await flushed).toBe("Error: EIO");
  expect(names()).toEqual([]);
});
