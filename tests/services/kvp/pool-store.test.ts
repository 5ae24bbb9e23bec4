import { expect, setSystemTime, test } from "bun:test";
import {
  closeSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  chmodSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  appendFileSync,
} from "node:fs";
import { native } from "../../../src/native/binding.ts";
import { PoolStore } from "../../../src/services/kvp/pool-store.ts";
import { enumerated, PoolDirectory, records } from "./pool-directory.ts";

test("opening makes five empty files with mode 0644, whatever the umask", () => {
  using pools = new PoolDirectory();
  const umask = process.umask(0o077);
  try {
    const directory = `${pools.path}/var/lib/hyperv`;
    new PoolStore(directory, (text) => pools.notices.push(text)).open();
    expect(statSync(directory).mode & 0o777).toBe(0o755);
    for (const pool of [0, 1, 2, 3, 4]) {
      const { mode, size } = statSync(`${directory}/.kvp_pool_${pool}`);
      expect([mode & 0o777, size]).toEqual([0o644, 0]);
    }
    expect(pools.notices).toEqual([]);
  } finally {
    process.umask(umask);
  }
});

test("an existing file keeps its mode and its records", () => {
  using pools = new PoolDirectory();
  pools.write(0, records(["ignition.config.0", "{"]));
  chmodSync(pools.file(0), 0o600);
  const store = pools.store();
  expect(statSync(pools.file(0)).mode & 0o777).toBe(0o600);
  store.set(0, "ignition.config.1", "}");
  expect(statSync(pools.file(0)).mode & 0o777).toBe(0o600);
  expect(pools.bytes(0)).toEqual(records(["ignition.config.0", "{"], ["ignition.config.1", "}"]));
});

test("a key is changed in its place, and a new one goes to the end", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(0, "a", "1");
  store.set(0, "b", "2");
  store.set(0, "a", "3");
  expect(pools.bytes(0)).toEqual(records(["a", "3"], ["b", "2"]));
  expect(enumerated(store, 0)).toEqual([
    ["a", "3"],
    ["b", "2"],
  ]);
  expect(store.get(0, "a")).toBe("3");
  expect(store.get(0, "A")).toBeUndefined();
});

test("deleting keeps the order of the others", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  for (const key of ["a", "b", "c", "d"]) {
    store.set(0, key, key.repeat(100));
  }
  expect(store.delete(0, "b")).toBe(true);
  expect(store.delete(0, "b")).toBe(false);
  expect(enumerated(store, 0).map(([key]) => key)).toEqual(["a", "c", "d"]);
  expect(store.delete(0, "d")).toBe(true);
  expect(pools.bytes(0)).toEqual(records(["a", "a".repeat(100)], ["c", "c".repeat(100)]));
});

test("deleting what is not there leaves the time of the file, which tells a stale pool", () => {
  using pools = new PoolDirectory();
  pools.write(1, records(["a", "1"]));
  utimesSync(pools.file(1), 1, 1);
  const store = pools.store();
  expect(store.delete(1, "b")).toBe(false);
  expect(store.get(1, "a")).toBe("1");
  expect(statSync(pools.file(1)).mtimeMs).toBe(1000);
});

test("a change by another program is seen at once, also within one tick of the clock", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  for (let round = 0; round < 200; round += 1) {
    // The same size each time: only the content tells.
    pools.write(1, records(["round", String(round)]));
    expect(store.record(1, 0)?.value).toBe(String(round));
  }
});

test("of records with one key the last counts, and this is told once", () => {
  using pools = new PoolDirectory();
  pools.write(1, records(["a", "1"], ["b", "2"], ["a", "3"]));
  const store = pools.store();
  expect(enumerated(store, 1)).toEqual([
    ["a", "3"],
    ["b", "2"],
  ]);
  appendFileSync(pools.file(1), records(["a", "4"]));
  expect(store.get(1, "a")).toBe("4");
  expect(pools.notices).toEqual([
    `'${pools.file(1)}' has 2 records with the key 'a', taking the last`,
  ]);
  store.set(1, "a", "5");
  expect(pools.bytes(1)).toEqual(records(["a", "5"], ["b", "2"], ["a", "5"], ["a", "5"]));
  store.delete(1, "a");
  expect(pools.bytes(1)).toEqual(records(["b", "2"]));
});

test("a partial record is cut off, told, and the original kept", () => {
  using pools = new PoolDirectory();
  const damaged = Buffer.concat([records(["a", "1"]), Buffer.from("half of a key")]);
  pools.write(3, damaged);
  const store = pools.store();
  expect(enumerated(store, 3)).toEqual([["a", "1"]]);
  expect(pools.bytes(3)).toEqual(records(["a", "1"]));
  const copy = `${pools.file(3)}.damaged-1`;
  expect(readdirSync(pools.path)).toContain(".kvp_pool_3.damaged-1");
  expect(pools.notices).toEqual([
    `'${pools.file(3)}' ended in a partial record, cut off; the original is '${copy}'`,
  ]);
});

test("a directory, a symbolic link and garbage in place of pools are told, the rest is served", () => {
  using pools = new PoolDirectory();
  mkdirSync(pools.file(0));
  symlinkSync("/etc/passwd", pools.file(1));
  pools.write(2, Buffer.alloc(2560, 0xff));
  pools.write(4, records(["a", "1"]));
  const store = pools.store();
  expect(enumerated(store, 0)).toEqual([]);
  expect(enumerated(store, 1)).toEqual([]);
  expect(store.record(2, 0)?.key).toBe("\ufffd".repeat(512));
  expect(enumerated(store, 4)).toEqual([["a", "1"]]);
  expect(() => store.set(0, "a", "1")).toThrow("is a directory");
  expect(() => store.set(1, "a", "1")).toThrow("is a symbolic link");
  expect(pools.notices).toEqual([
    `'${pools.file(0)}' is a directory`,
    `'${pools.file(1)}' is a symbolic link`,
  ]);
});

test("a file that vanished is made again, and so is the directory", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(1, "a", "1");
  rmSync(pools.file(1));
  expect(store.record(1, 0)).toBeUndefined();
  expect(statSync(pools.file(1)).size).toBe(0);
  store.set(1, "a", "1");
  writeFileSync(pools.file(1), records(["a", "2"]));
  expect(store.get(1, "a")).toBe("2");
  rmSync(pools.file(1));
  expect(store.record(1, 0)).toBeUndefined();
  const gone = `'${pools.file(1)}' was gone, made again`;
  expect(pools.notices).toEqual([gone, gone]);
  rmSync(pools.path, { recursive: true });
  store.set(0, "b", "2");
  expect(pools.bytes(0)).toEqual(records(["b", "2"]));
});

test("records without a key are left out of the enumeration, and reused", () => {
  using pools = new PoolDirectory();
  pools.write(1, records(["a", "1"]), Buffer.alloc(2560));
  const store = pools.store();
  expect(enumerated(store, 1)).toEqual([["a", "1"]]);
  store.set(1, "b", "2");
  expect(pools.bytes(1)).toEqual(records(["a", "1"], ["b", "2"]));
});

test("what no record holds is refused and changes nothing", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(0, "k".repeat(511), "v".repeat(2047));
  expect(() => store.set(0, "k".repeat(512), "v")).toThrow("the key has 512 bytes, more than 511");
  expect(() => store.set(0, "k", "v".repeat(2048))).toThrow("the value has 2048 bytes");
  expect(() => store.set(0, "", "v")).toThrow("an empty key names no record");
  expect(() => store.set(0, "a\0b", "v")).toThrow("the key contains a NUL");
  expect(() => store.set(5, "k", "v")).toThrow("there is no pool 5");
  expect(store.record(5, 0)).toBeUndefined();
  expect(pools.bytes(0)).toEqual(records(["k".repeat(511), "v".repeat(2047)]));
});

/** Holds a pool file like a program that never lets go. */
function holder(path: string): Disposable {
  const fd = openSync(path, "r+");
  expect(native().lockFile(fd, true, 0)).toBe(true);
  return { [Symbol.dispose]: () => closeSync(fd) };
}

test("a program that holds a pool for ever fails changes, and does not stop reading", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(0, "a", "1");
  {
    using _held = holder(pools.file(0));
    expect(() => store.set(0, "a", "2")).toThrow("is locked by another program");
    expect(store.get(0, "a")).toBe("1");
    expect(store.record(0, 0)).toEqual({ key: "a", value: "1" });
  }
  store.set(0, "a", "2");
  expect(store.get(0, "a")).toBe("2");
  expect(pools.notices).toEqual([]);
});

test("while the holder of a pool changes it, the pool is served as it was", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(0, "a", "1");
  using _held = holder(pools.file(0));
  // As the C daemon does: cut to nothing, then written.
  truncateSync(pools.file(0), 0);
  expect(store.get(0, "a")).toBe("1");
  writeFileSync(pools.file(0), records(["a", "2"]));
  utimesSync(pools.file(0), 1, 1);
  // Changed long ago as far as the file tells: an unlocked look is the best there is.
  expect(new PoolStore(pools.path, () => undefined).get(0, "a")).toBe("2");
  expect(pools.notices).toEqual([
    `'${pools.file(0)}' is locked by another program, reading without a lock`,
  ]);
});

test("each change has a stamp of its own, so that the next one is noticed in the same tick", () => {
  using pools = new PoolDirectory();
  const [first, second] = [pools.store(), pools.store()];
  for (let round = 0; round < 300; round += 1) {
    first.set(0, "a", `first ${round}`);
    expect(second.get(0, "a")).toBe(`first ${round}`);
    second.set(0, "a", `second ${round}`);
    expect(first.get(0, "a")).toBe(`second ${round}`);
  }
});

test("a change has the time of the clock, also after that was set", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  const tomorrow = new Date(Date.now() + 86_400_000);
  setSystemTime(tomorrow);
  try {
    store.set(0, "a", "1");
  } finally {
    setSystemTime();
  }
  const { mtimeMs } = statSync(pools.file(0));
  expect(Math.abs(mtimeMs - tomorrow.getTime())).toBeLessThan(60_000);
});

test("a file that is replaced is followed", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(0, "a", "1");
  writeFileSync(`${pools.path}/new`, records(["a", "2"], ["b", "3"]));
  renameSync(`${pools.path}/new`, pools.file(0));
  expect(store.get(0, "a")).toBe("2");
  store.set(0, "b", "4");
  expect(pools.bytes(0)).toEqual(records(["a", "2"], ["b", "4"]));
});

test("a partial record in a running pool is repaired by the next change", () => {
  using pools = new PoolDirectory();
  const store = pools.store();
  store.set(0, "a", "1");
  appendFileSync(pools.file(0), "half");
  expect(enumerated(store, 0)).toEqual([["a", "1"]]);
  store.set(0, "b", "2");
  expect(pools.bytes(0)).toEqual(records(["a", "1"], ["b", "2"]));
  expect(readFileSync(`${pools.file(0)}.damaged-1`)).toEqual(
    Buffer.concat([records(["a", "1"]), Buffer.from("half")]),
  );
});

test("when no copy of a damaged file can be kept, it is not touched", () => {
  using pools = new PoolDirectory();
  const damaged = Buffer.concat([records(["a", "1"]), Buffer.from("half")]);
  pools.write(0, damaged);
  for (let number = 1; number <= 16; number += 1) {
    writeFileSync(`${pools.file(0)}.damaged-${number}`, "");
  }
  const store = pools.store();
  expect(enumerated(store, 0)).toEqual([["a", "1"]]);
  expect(() => store.set(0, "b", "2")).toThrow("there are 16 damaged originals beside it");
  expect(pools.bytes(0)).toEqual(damaged);
});

test("a pool beyond its largest size is served in part, and not changed", () => {
  using pools = new PoolDirectory();
  pools.write(0, records(["a", "1"]));
  truncateSync(pools.file(0), 20_000 * 2560);
  const store = pools.store();
  expect(enumerated(store, 0)).toEqual([["a", "1"]]);
  expect(() => store.set(0, "b", "2")).toThrow("is larger than");
  expect(pools.notices).toEqual([expect.stringContaining("has 51200000 bytes, serving the first")]);
});

test("thousands of records are enumerated and changed", () => {
  using pools = new PoolDirectory();
  pools.write(0, ...Array.from({ length: 5000 }, (_, index) => records([`key ${index}`, "old"])));
  const store = pools.store();
  store.set(0, "key 4999", "new");
  store.delete(0, "key 2500");
  const found = enumerated(store, 0);
  expect(found.length).toBe(4999);
  expect(found[2500]).toEqual(["key 2501", "old"]);
  expect(found.at(-1)).toEqual(["key 4999", "new"]);
});
