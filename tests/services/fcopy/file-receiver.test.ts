import { expect, test } from "bun:test";
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Status } from "../../../src/protocol/status.ts";
import { receiving } from "../../support/received-files.ts";

const isRoot = process.getuid?.() === 0;

test("a file comes with its data, its name and the C daemon's mode", async () => {
  const { directory, copy, names, ends } = receiving();
  expect(await copy("été–🐧.txt", "data")).toBe(Status.ok);
  expect(names()).toEqual(["été–🐧.txt"]);
  expect(readFileSync(join(directory, "été–🐧.txt"), "utf8")).toBe("data");
  expect(statSync(join(directory, "été–🐧.txt")).mode & 0o7777).toBe(0o744);
  expect(ends).toEqual(["received"]);
});

test("an empty file comes too", async () => {
  const { directory, start, end } = receiving();
  expect(await start("empty", 0)).toBe(Status.ok);
  expect(await end("complete")).toBe(Status.ok);
  expect(statSync(join(directory, "empty")).size).toBe(0);
});

test("nothing has the final name before the end, whatever has come by then", async () => {
  const { start, write, end, names } = receiving();
  await start("file", 6);
  await write(0, "abc");
  await write(3, "def");
  expect(names().filter((name) => !name.startsWith(".hvguest-"))).toEqual([]);
  expect(await end("complete")).toBe(Status.ok);
  expect(names()).toEqual(["file"]);
});

test("parts may come in any order, and twice", async () => {
  const { directory, start, write, end } = receiving();
  await start("file", 6);
  await write(3, "def");
  await write(0, "xbc");
  await write(0, "abc");
  expect(await end("complete")).toBe(Status.ok);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("abcdef");
});

test("a file with a part missing does not come", async () => {
  const { start, write, end, names, ends } = receiving();
  await start("file", 6);
  await write(0, "abc");
  expect(await end("complete")).toBe(Status.fail);
  expect(names()).toEqual([]);
  expect(ends[0]).toEndWith("3 of 6 bytes have come");
});

test("data beyond the announced size are refused", async () => {
  const { start, write, end, names } = receiving();
  await start("file", 3);
  expect(await write(0, "abcd")).toBe(Status.fail);
  expect(await write(Number.MAX_SAFE_INTEGER, "x")).toBe(Status.fail);
  await write(0, "abc");
  expect(await end("complete")).toBe(Status.ok);
  expect(names()).toEqual(["file"]);
});

test("a cancelled file leaves nothing, also none of the directories made for it", async () => {
  const { directory, start, write, end, names, ends } = receiving();
  const pathName = `${directory}/a/b/`;
  expect(await start("file", 3, { pathName, createPath: true })).toBe(Status.ok);
  expect(names()).toContain("a/b");
  await write(0, "abc");
  expect(await end("cancel")).toBe(Status.ok);
  expect(names()).toEqual([]);
  expect(ends).toEqual(["the host cancelled it"]);
});

test("another START drops the file under way", async () => {
  const { start, copy, names, ends } = receiving();
  await start("first", 3);
  expect(await copy("second", "data")).toBe(Status.ok);
  expect(names()).toEqual(["second"]);
  expect(ends).toEqual(["the host began another file", "received"]);
});

test("a START that cannot even be read drops the file under way, other requests do not", async () => {
  const { receiver, start, write, end, names, ends } = receiving();
  const awaited = new AbortController().signal;
  const refused = (isStart: boolean) =>
    receiver.answer({ operation: "refused", isStart, text: "a name is not Unicode text" }, awaited);
  await start("file", 3);
  await expect(refused(false)).rejects.toMatchObject({ status: Status.fail });
  expect(await write(0, "abc")).toBe(Status.ok);
  await expect(refused(true)).rejects.toMatchObject({ status: Status.fail });
  expect(ends).toEqual(["the host began another file"]);
  expect(await write(0, "def")).toBe(Status.fail);
  expect(await end("complete")).toBe(Status.fail);
  expect(names()).toEqual([]);
});

test("data and ends without a START are refused, a cancel is not", async () => {
  const { write, end } = receiving();
  expect(await write(0, "x")).toBe(Status.fail);
  expect(await end("complete")).toBe(Status.fail);
  expect(await end("cancel")).toBe(Status.ok);
});

test("an existing file is refused at START, and stays", async () => {
  const { directory, start } = receiving();
  writeFileSync(join(directory, "file"), "old");
  expect(await start("file", 3)).toBe(Status.alreadyExists);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("old");
});

test("a file that has come meanwhile is not replaced", async () => {
  const { directory, start, write, end, names } = receiving();
  await start("file", 3);
  await write(0, "new");
  writeFileSync(join(directory, "file"), "meanwhile");
  expect(await end("complete")).toBe(Status.alreadyExists);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("meanwhile");
  expect(names()).toEqual(["file"]);
});

test("a replaced file keeps mode and owner, and is whole until the new one is", async () => {
  const { directory, start, write, end, names } = receiving();
  const path = join(directory, "file");
  writeFileSync(path, "a longer old text", { mode: 0o640 });
  if (isRoot) {
    chownSync(path, 1234, 1235);
  }
  expect(await start("file", 3, { overWrite: true })).toBe(Status.ok);
  await write(0, "new");
  expect(readFileSync(path, "utf8")).toBe("a longer old text");
  expect(await end("complete")).toBe(Status.ok);
  expect(readFileSync(path, "utf8")).toBe("new");
  const { mode, uid, gid } = statSync(path);
  expect(mode & 0o7777).toBe(0o640);
  if (isRoot) {
    expect([uid, gid]).toEqual([1234, 1235]);
  }
  expect(names()).toEqual(["file"]);
});

test("the configuration's mode wins over both", async () => {
  const { directory, copy } = receiving({}, { mode: 0o600 });
  writeFileSync(join(directory, "file"), "old", { mode: 0o640 });
  await copy("file", "new", { overWrite: true });
  expect(statSync(join(directory, "file")).mode & 0o7777).toBe(0o600);
});

test("the path is the whole destination, unless it is a directory or ends like one", async () => {
  const { directory, copy, names } = receiving();
  mkdirSync(join(directory, "there"));
  expect(await copy("a", "1", { pathName: `${directory}/other` })).toBe(Status.ok);
  expect(await copy("b", "2", { pathName: `${directory}/there` })).toBe(Status.ok);
  expect(await copy("c", "3", { pathName: `${directory}/there/` })).toBe(Status.ok);
  expect(names()).toEqual(["other", "there", "there/b", "there/c"]);
});

test("missing directories are made only when the host asks for it", async () => {
  const { directory, copy, names } = receiving();
  const pathName = `${directory}/x/y/`;
  expect(await copy("file", "1", { pathName })).toBe(Status.fail);
  expect(names()).toEqual([]);
  expect(await copy("file", "1", { pathName, createPath: true })).toBe(Status.ok);
  expect(names()).toEqual(["x", "x/y", "x/y/file"]);
  expect(statSync(join(directory, "x")).mode & 0o7777).toBe(0o755);
});

test.each(["", ".", "..", "a/b", "a\0b", "x".repeat(256)])(
  "%j is no name of a file",
  async (name) => {
    const { start, names } = receiving();
    expect(await start(name, 1)).toBe(Status.fail);
    expect(names()).toEqual([]);
  },
);

test("a path does not lead back out of directories that do not exist", async () => {
  const { directory, start, names } = receiving();
  const pathName = `${directory}/x/../y/`;
  expect(await start("file", 1, { pathName, createPath: true })).toBe(Status.fail);
  expect(names()).toEqual([]);
});

test("a denied directory stays denied behind a symbolic link, and when it is new", async () => {
  const { directory, ...rest } = receiving();
  mkdirSync(join(directory, "denied"));
  symlinkSync("denied", join(directory, "link"));
  const { start } = receiving({ denied: [join(directory, "denied")] });
  const of = (path: string) => ({ pathName: `${directory}/${path}`, createPath: true });
  expect(await start("file", 1, of("denied"))).toBe(Status.accessDenied);
  expect(await start("file", 1, of("link"))).toBe(Status.accessDenied);
  expect(await start("file", 1, of("link/new/"))).toBe(Status.accessDenied);
  expect(await start("file", 1, of("link/../denied/new/"))).toBe(Status.accessDenied);
  expect(rest.names()).toEqual(["denied", "link"]);
});

test("a symbolic link to a file in a denied directory is not written through", async () => {
  const { directory } = receiving();
  mkdirSync(join(directory, "denied"));
  writeFileSync(join(directory, "denied/file"), "old");
  symlinkSync("denied/file", join(directory, "link"));
  const { start } = receiving({ denied: [join(directory, "denied")] });
  const more = { pathName: `${directory}/link`, overWrite: true };
  expect(await start("x", 1, more)).toBe(Status.accessDenied);
});

test("a symbolic link to a file stands for the file, and stays a link", async () => {
  const { directory, copy } = receiving();
  writeFileSync(join(directory, "file"), "old");
  symlinkSync("file", join(directory, "link"));
  expect(await copy("link", "new", { overWrite: true })).toBe(Status.ok);
  expect(readFileSync(join(directory, "file"), "utf8")).toBe("new");
  expect(lstatSync(join(directory, "link")).isSymbolicLink()).toBe(true);
});

test("what is no regular file is not replaced", async () => {
  const { directory, start } = receiving();
  Bun.spawnSync(["mkfifo", join(directory, "fifo")]);
  expect(await start("fifo", 1, { overWrite: true })).toBe(Status.fail);
  const more = { pathName: "/dev/null", overWrite: true };
  expect(await start("x", 1, more)).toBe(Status.fail);
});

test("a file that cannot fit is refused at START, not after its data", async () => {
  const { start, names } = receiving();
  expect(await start("huge", 2 ** 52)).toBeOneOf([Status.diskFull, Status.fileTooLarge]);
  const beyond = { fileSize: 2n ** 64n - 1n };
  expect(await start("huge", 0, beyond)).toBe(Status.diskFull);
  expect(names()).toEqual([]);
});

test("a file larger than the configuration allows is refused", async () => {
  const { start, end } = receiving({ largestFile: 10n });
  expect(await start("file", 11)).toBe(Status.fileTooLarge);
  expect(await start("file", 10)).toBe(Status.ok);
  await end("cancel");
});

test("a connection that ends drops the file under way", async () => {
  const { receiver, start, write, names, ends } = receiving();
  await start("file", 3);
  await write(0, "abc");
  await receiver.abandon("the channel has ended");
  await receiver.abandon("again");
  expect(names()).toEqual([]);
  expect(ends).toEqual(["the channel has ended"]);
});

test("an end that nobody awaits any more does not place the file", async () => {
  const { receiver, start, write, names } = receiving();
  await start("file", 3);
  await write(0, "abc");
  await expect(receiver.answer({ operation: "complete" }, AbortSignal.abort())).rejects.toThrow();
  await receiver.abandon("the host has given up");
  expect(names()).toEqual([]);
});

test("a START or a cancel that nobody awaits any more drops the file before it, and no more", async () => {
  const { directory, receiver, start, write, end, names, ends } = receiving();
  const late = async (request: Parameters<typeof receiver.answer>[0]) => {
    await start("file", 3);
    await expect(receiver.answer(request, AbortSignal.abort())).rejects.toThrow();
    expect(await write(0, "abc")).toBe(Status.fail);
    expect(await end("complete")).toBe(Status.fail);
    expect(names()).toEqual([]);
  };
  await late({ operation: "cancel" });
  await late({ operation: "refused", isStart: true, text: "a name is not Unicode text" });
  await late({
    operation: "start",
    fileName: "second",
    pathName: directory,
    overWrite: false,
    createPath: false,
    fileSize: 3n,
  });
  const another = "the host began another file";
  expect(ends).toEqual(["the host cancelled it", another, another]);
});
