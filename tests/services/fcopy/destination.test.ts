import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Status } from "../../../src/protocol/status.ts";
import { type Receiving, receiving } from "./receiving.ts";

/** Copies an empty file to a path below the directory; tells the status. */
async function copy(
  { directory, start, complete, cancel }: Receiving,
  path: string,
  fileName = "source",
  flags: { readonly overWrite?: boolean; readonly createPath?: boolean } = {},
): Promise<Status> {
  const started = await start({ pathName: `${directory}${path}`, fileName, ...flags });
  if (started !== Status.ok) {
    await cancel();
    return started;
  }
  return complete();
}

test("an existing directory takes the file under its own name", async () => {
  const there = receiving();
  mkdirSync(join(there.directory, "dir"));
  symlinkSync("dir", join(there.directory, "link"));
  expect(await copy(there, "/dir", "one")).toBe(Status.ok);
  expect(await copy(there, "/dir/", "two")).toBe(Status.ok);
  expect(await copy(there, "/link", "three")).toBe(Status.ok);
  expect(there.names("dir")).toEqual(["one", "three", "two"]);
});

test("any other path is the whole destination", async () => {
  const there = receiving();
  expect(await copy(there, "/target")).toBe(Status.ok);
  expect(there.names()).toEqual(["target"]);
  expect(await copy(there, "/target")).toBe(Status.alreadyExists);
});

test("a path that ends in a slash is a directory, which is made only when asked to", async () => {
  const there = receiving();
  expect(await copy(there, "/new/")).toBe(Status.fail);
  expect(await copy(there, "/new/", "source", { createPath: true })).toBe(Status.ok);
  expect(there.names("new")).toEqual(["source"]);
  expect(await copy(there, "/a/b/target", "source", { createPath: true })).toBe(Status.ok);
  expect(there.names("a/b")).toEqual(["target"]);
});

test("upward steps mean what the kernel means, and are not made", async () => {
  const there = receiving();
  mkdirSync(join(there.directory, "a/b"), { recursive: true });
  symlinkSync("a/b", join(there.directory, "link"));
  expect(await copy(there, "/link/../behind")).toBe(Status.ok);
  expect(there.names("a")).toEqual(["b", "behind"]);
  const made = await copy(there, "/no/../up/x", "source", { createPath: true });
  expect(made).toBe(Status.fail);
  expect(there.names()).toEqual(["a", "link"]);
});

test("names that are none, or too long, are refused", async () => {
  const there = receiving();
  const names = ["", ".", "..", "a/b", "/", "n".repeat(256), "é".repeat(128)];
  for (const name of names) {
    expect([name, await copy(there, "/", name)]).toEqual([name, Status.fail]);
  }
  expect(await copy(there, "/", "n".repeat(255))).toBe(Status.ok);
  expect(await copy(there, `/${"d/".repeat(100)}${"n".repeat(300)}`)).toBe(Status.fail);
});

test("a path of more bytes than the kernel's driver hands on is taken as any other", async () => {
  const there = receiving();
  const name = "日本語".repeat(28);
  expect(await copy(there, `/${name}/${name}`, "x", { createPath: true })).toBe(Status.ok);
  expect(there.names(name)).toEqual([name]);
});

test("a link to a file stands for the file; one to nowhere is not replaced", async () => {
  const there = receiving();
  writeFileSync(join(there.directory, "real"), "old");
  symlinkSync("real", join(there.directory, "link"));
  symlinkSync("nowhere", join(there.directory, "dangling"));
  expect(await copy(there, "/link")).toBe(Status.alreadyExists);
  expect(await copy(there, "/link", "source", { overWrite: true })).toBe(Status.ok);
  expect(readlinkSync(join(there.directory, "link"))).toBe("real");
  expect(readFileSync(join(there.directory, "real"), "utf8")).toBe("");
  expect(await copy(there, "/dangling")).toBe(Status.alreadyExists);
  expect(await copy(there, "/dangling", "source", { overWrite: true })).toBe(Status.fail);
  expect(there.names()).toEqual(["dangling", "link", "real"]);
});

test("a directory, or what is under a file, is never replaced", async () => {
  const there = receiving();
  mkdirSync(join(there.directory, "dir"));
  writeFileSync(join(there.directory, "file"), "x");
  expect(await copy(there, "/", "dir")).toBe(Status.alreadyExists);
  expect(await copy(there, "/", "dir", { overWrite: true })).toBe(Status.fail);
  expect(await copy(there, "/file/below", "source", { createPath: true })).toBe(Status.fail);
});

test("the configuration is held to the real directory, whatever leads there", async () => {
  const there = receiving({
    policy: () => ({ allowed: [there.directory], denied: [], largestFile: 1n << 64n }),
  });
  symlinkSync("/tmp", join(there.directory, "out"));
  writeFileSync(join(there.directory, "victim"), "x");
  expect(await copy(there, "/inside")).toBe(Status.ok);
  expect(await copy(there, "/out/outside")).toBe(Status.accessDenied);
  expect(await copy(there, "/out/new/outside", "x", { createPath: true })).toBe(
    Status.accessDenied,
  );
  expect(await copy(there, "/../outside")).toBe(Status.accessDenied);
});

test("links in the configuration are followed anew at each start", async () => {
  const denied: string[] = [];
  const there = receiving({ policy: () => ({ allowed: [], denied, largestFile: 1n << 64n }) });
  mkdirSync(join(there.directory, "real"));
  denied.push(`${there.directory}/link/.`);
  expect(await copy(there, "/real/first")).toBe(Status.ok);
  symlinkSync("real", join(there.directory, "link"));
  expect(await copy(there, "/real/second")).toBe(Status.accessDenied);
  expect(await copy(there, "/link/second")).toBe(Status.accessDenied);
  expect(await copy(there, "/real/new/second", "x", { createPath: true })).toBe(
    Status.accessDenied,
  );
  expect(there.names("real")).toEqual(["first"]);
});

/** Makes a path immutable; false where that cannot be (no root, no ext4). */
function setImmutable(path: string, isImmutable: boolean): boolean {
  try {
    return Bun.spawnSync(["chattr", isImmutable ? "+i" : "-i", path]).exitCode === 0;
  } catch {
    // chattr is not installed.
    return false;
  }
}

test("an immutable directory or file is refused before any data come", async () => {
  const there = receiving();
  const [dir, file] = [join(there.directory, "dir"), join(there.directory, "file")];
  mkdirSync(dir);
  writeFileSync(file, "x");
  const canBe = setImmutable(dir, true) && setImmutable(file, true);
  try {
    if (canBe) {
      expect(await there.start({ pathName: dir })).toBe(Status.fail);
      expect(await there.start({ fileName: "file", overWrite: true })).toBe(Status.fail);
    }
  } finally {
    setImmutable(dir, false);
    setImmutable(file, false);
  }
  expect(readFileSync(file, "utf8")).toBe("x");
});
