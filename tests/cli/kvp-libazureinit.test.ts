// The cases of libazureinit-kvp's own command line tests (tests/cli.rs), under their
// names: who calls that program finds the same commands, output and statuses here.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { PoolDirectory } from "../services/kvp/pool-directory.ts";
import { type Ended, hvguest } from "../support/hvguest-source.ts";

function kvp(args: readonly string[], input = "", directory?: string): Ended {
  const place = directory === undefined ? [] : ["--dir", directory];
  return hvguest(["kvp", ...place, ...args], { HVGUEST_KERNEL_ROOT: "" }, input);
}

function success(pools: PoolDirectory, args: readonly string[], input = ""): string {
  const { status, stdout, stderr } = kvp(args, input, pools.path);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

test("help lists commands", () => {
  const { status, stdout } = kvp(["--help"]);
  expect(status).toBe(0);
  for (const name of ["write", "append-multiple", "delete-multiple", "is-stale"]) {
    expect(stdout).toContain(`kvp ${name}`);
  }
});

test("write help documents append flag", () => {
  const { stdout } = kvp(["write", "--help"]);
  expect(stdout).toContain("--append");
  expect(stdout).toContain("<key>");
  expect(stdout).toContain("<value>");
});

test("default info uses default store constructor", () => {
  const { status, stdout } = kvp(["info"]);
  expect(status).toBe(0);
  expect(stdout).toContain("pool=guest\npath=/var/lib/hyperv/.kvp_pool_1\nmode=safe\n");
});

test("info reports custom store metadata", () => {
  using pools = new PoolDirectory();
  const lines = success(pools, ["--pool", "external", "--unsafe", "info"]).split("\n");
  expect(lines.slice(0, 8)).toEqual([
    "pool=external",
    `path=${pools.file(0)}`,
    "mode=unsafe",
    "records=0",
    "empty=true",
    "stale=false",
    "max_key_size=512",
    "max_value_size=2048",
  ]);
});

test("info accepts equals style global options", () => {
  using pools = new PoolDirectory();
  const { stdout } = kvp([`--dir=${pools.path}`, "--pool=auto", "info"]);
  expect(stdout).toContain(`pool=auto\npath=${pools.file(2)}\n`);
});

test("write append read dump entries delete and clear", () => {
  using pools = new PoolDirectory();
  success(pools, ["write", "a", "1"]);
  success(pools, ["write", "--append", "a", "2"]);
  expect(success(pools, ["read", "a"])).toBe("2\n");
  expect(success(pools, ["dump"])).toBe("a=1\na=2\n");
  expect(success(pools, ["entries"])).toBe("a=2\n");
  expect(success(pools, ["delete", "a"])).toBe("true\n");
  expect(success(pools, ["dump"])).toBe("");
  success(pools, ["write", "b", "3"]);
  success(pools, ["clear"]);
  expect(success(pools, ["dump"])).toBe("");
});

test("load replaces pool from file", () => {
  using pools = new PoolDirectory();
  const file = `${pools.path}/records.txt`;
  writeFileSync(file, "a=1\nb=2\n");
  success(pools, ["write", "gone", "1"]);
  success(pools, ["load", "--file", file]);
  expect(success(pools, ["dump"])).toBe("a=1\nb=2\n");
});

test("load can read from stdin", () => {
  using pools = new PoolDirectory();
  success(pools, ["load"], "x=1\ny=2\n");
  expect(success(pools, ["entries"])).toBe("x=1\ny=2\n");
});

test("append multiple can read from stdin", () => {
  using pools = new PoolDirectory();
  success(pools, ["write", "x", "1"]);
  success(pools, ["append-multiple"], "x=2\ny=3\n");
  expect(success(pools, ["dump"])).toBe("x=1\nx=2\ny=3\n");
});

test("append multiple can read from file", () => {
  using pools = new PoolDirectory();
  const file = `${pools.path}/records.txt`;
  writeFileSync(file, "a=1\nb=2\n");
  success(pools, ["append-multiple", "--file", file]);
  expect(success(pools, ["dump"])).toBe("a=1\nb=2\n");
});

test("delete multiple prints removed record count", () => {
  using pools = new PoolDirectory();
  success(pools, ["append-multiple"], "a=1\nb=2\na=3\n");
  expect(success(pools, ["delete-multiple", "a", "z"])).toBe("2\n");
  expect(success(pools, ["entries"])).toBe("b=2\n");
});

test("clear if stale and is stale use status apis", () => {
  using pools = new PoolDirectory();
  success(pools, ["clear", "--if-stale"]);
  expect(kvp(["is-stale"], "", pools.path)).toEqual({ status: 1, stdout: "false\n", stderr: "" });
});

test("read missing exits one without output", () => {
  using pools = new PoolDirectory();
  expect(kvp(["read", "missing"], "", pools.path)).toEqual({ status: 1, stdout: "", stderr: "" });
});

test("validation errors exit two", () => {
  using pools = new PoolDirectory();
  const { status, stderr } = kvp(["write", "", "value"], "", pools.path);
  expect([status, stderr]).toEqual([2, expect.stringContaining("an empty key names no record")]);
});

test("json read round trips value with equals and newline", () => {
  using pools = new PoolDirectory();
  const value = "https://example.test/q=1\nline2";
  success(pools, ["write", "url", value]);
  expect(JSON.parse(success(pools, ["--json", "read", "url"]))).toEqual({ key: "url", value });
});

test("json output of every command that prints", () => {
  using pools = new PoolDirectory();
  success(pools, ["append-multiple"], "b=1\na=2\nb=3\n");
  const json = (...args: string[]) => JSON.parse(success(pools, ["--json", ...args])) as unknown;
  expect(json("info")).toMatchObject({ pool: "guest", records: 3, empty: false, stale: false });
  expect(json("dump")).toEqual([
    { key: "b", value: "1" },
    { key: "a", value: "2" },
    { key: "b", value: "3" },
  ]);
  expect(json("entries")).toEqual({ a: "2", b: "3" });
  expect(json("delete", "a")).toEqual({ removed: true });
  expect(json("delete-multiple", "b")).toEqual({ removed: 2 });
});

test("what cannot be read or written is one line and a status of its own", () => {
  // libazureinit-kvp says 3; hvguest has 1 for every act that failed.
  const { status, stdout, stderr } = kvp(["write", "a", "1"], "", "/proc/nothing");
  expect([status, stdout, stderr.split("\n").length]).toEqual([1, "", 2]);
});
