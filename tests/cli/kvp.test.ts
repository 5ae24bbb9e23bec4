import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync, symlinkSync, truncateSync, utimesSync } from "node:fs";
import { differences } from "../../src/cli/commands/kvp/watch.ts";
import { PoolDirectory, records } from "../services/kvp/pool-directory.ts";
import { fromSource, hvguest } from "../support/hvguest-source.ts";

function kvp(pools: PoolDirectory, args: readonly string[], input?: string | Uint8Array) {
  return hvguest(["kvp", "--dir", pools.path, ...args], { HVGUEST_KERNEL_ROOT: "" }, input);
}

/** What a command prints that succeeds and complains of nothing. */
function printed(pools: PoolDirectory, args: readonly string[], input?: string): string {
  const { status, stdout, stderr } = kvp(pools, args, input);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout;
}

test("set, get, list and delete work on one pool file", () => {
  using pools = new PoolDirectory();
  printed(pools, ["set", "a", "1"]);
  printed(pools, ["set", "b", ""]);
  printed(pools, ["set", "a", "007"]);
  expect(printed(pools, ["get", "a"])).toBe("007\n");
  expect(printed(pools, ["list"])).toBe("a=007\nb=\n");
  expect(printed(pools, ["list", "--json"])).toBe(
    '{"key":"a","value":"007"}\n{"key":"b","value":""}\n',
  );
  expect(printed(pools, ["delete", "a"])).toBe("true\n");
  expect(pools.bytes(1)).toEqual(records(["b", ""]));
  expect(statSync(pools.file(1)).mode & 0o777).toBe(0o644);
});

test("a key that is not there is status 1 without a word", () => {
  using pools = new PoolDirectory();
  expect(kvp(pools, ["get", "a"])).toEqual({ status: 1, stdout: "", stderr: "" });
  expect(kvp(pools, ["delete", "a"])).toEqual({ status: 1, stdout: "false\n", stderr: "" });
  expect(printed(pools, ["delete-multiple", "a", "b"])).toBe("0\n");
  expect(() => statSync(pools.file(1))).toThrow("ENOENT");
});

test("pools are chosen by name and by number, and others are refused", () => {
  using pools = new PoolDirectory();
  printed(pools, ["--pool", "auto-external", "set", "a", "1"]);
  printed(pools, ["set", "a", "2", "--pool=0"]);
  expect(pools.bytes(3)).toEqual(records(["a", "1"]));
  expect(pools.bytes(0)).toEqual(records(["a", "2"]));
  const { status, stderr } = kvp(pools, ["--pool", "5", "list"]);
  expect([status, stderr]).toEqual([2, expect.stringContaining("there is no pool '5'")]);
});

test("keys and values may look like options, and may be a dash", () => {
  using pools = new PoolDirectory();
  printed(pools, ["set", "--", "--key", "-v"]);
  printed(pools, ["set", "number", "-1"]);
  printed(pools, ["set", "a", "-"]);
  expect(printed(pools, ["list"])).toBe("--key=-v\nnumber=-1\na=-\n");
});

test("the limits are safe ones unless the wire's are asked for", () => {
  using pools = new PoolDirectory();
  const long = "v".repeat(1023);
  expect(kvp(pools, ["set", "a", long])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("the value has 1023 bytes, more than 1022"),
  });
  printed(pools, ["set", "--wire-limits", "k".repeat(511), "v".repeat(2047)]);
  expect(kvp(pools, ["set", "--wire-limits", "k".repeat(512), ""]).status).toBe(2);
  expect(pools.bytes(1)).toEqual(records(["k".repeat(511), "v".repeat(2047)]));
});

test("batches come from standard input, and a wrong line changes nothing", () => {
  using pools = new PoolDirectory();
  printed(pools, ["set", "-"], "a=1\n\nb=x=y\n");
  printed(pools, ["append", "-", "--json"], '{"key":"a","value":"line 1\\nline 2"}\n');
  expect(printed(pools, ["get", "a"])).toBe("line 1\nline 2\n");
  expect(kvp(pools, ["import"], "c=1\nd\n")).toEqual({
    status: 2,
    stdout: "",
    stderr: expect.stringContaining("line 2: need KEY=VALUE"),
  });
  expect(kvp(pools, ["import"], Uint8Array.of(0x61, 0x3d, 0xff)).status).toBe(2);
  expect(printed(pools, ["delete-multiple", "-"], "a\nb\nc\n")).toBe("3\n");
  expect(pools.bytes(1).length).toBe(0);
});

test("export prints what import takes, and refuses what lines cannot hold", () => {
  using pools = new PoolDirectory();
  printed(pools, ["set", "-"], "a=1\nb=2=3\n");
  const text = printed(pools, ["export"]);
  printed(pools, ["--pool", "external", "import"], text);
  expect(pools.bytes(0)).toEqual(pools.bytes(1));
  printed(pools, ["set", "c", "1\n2"]);
  expect(kvp(pools, ["export"]).status).toBe(1);
  const json = printed(pools, ["export", "--json"]);
  printed(pools, ["--pool", "external", "import", "--replace", "--json"], json);
  expect(pools.bytes(0)).toEqual(pools.bytes(1));
});

test("import --replace leaves only what was imported", () => {
  using pools = new PoolDirectory();
  printed(pools, ["set", "-"], "a=1\nb=2\nc=3\n");
  printed(pools, ["import", "--replace"], "c=4\nd=5\n");
  expect(printed(pools, ["list"])).toBe("c=4\nd=5\n");
});

test("a pool of an earlier boot is stale, and cleared only then", () => {
  using pools = new PoolDirectory();
  expect(kvp(pools, ["is-stale"]).stdout).toBe("false\n");
  printed(pools, ["set", "a", "1"]);
  printed(pools, ["clear", "--if-stale"]);
  expect(printed(pools, ["list"])).toBe("a=1\n");
  utimesSync(pools.file(1), 1, 1);
  expect(printed(pools, ["is-stale"])).toBe("true\n");
  printed(pools, ["clear", "--if-stale"]);
  expect(printed(pools, ["list"])).toBe("");
});

test("a pool is cleared that is too large or too damaged for any other change", () => {
  using pools = new PoolDirectory();
  for (const size of [20_000 * 2560, 3 * 2560 + 77]) {
    pools.write(1, new Uint8Array());
    truncateSync(pools.file(1), size);
    printed(pools, ["clear"]);
    expect(readdirSync(pools.path)).toEqual([".kvp_pool_1"]);
    expect(pools.bytes(1).length).toBe(0);
  }
});

test("clearing a pool that is not there makes no file", () => {
  using pools = new PoolDirectory();
  printed(pools, ["clear"]);
  expect(() => statSync(pools.file(1))).toThrow("ENOENT");
});

test("a damaged pool is listed as far as it goes, and repaired by the first change", () => {
  using pools = new PoolDirectory();
  pools.write(1, records(["a", "1"]), Buffer.from("half"));
  expect(printed(pools, ["list"])).toBe("a=1\n");
  expect(printed(pools, ["info"])).toContain("partial_bytes=4\n");
  const { status, stderr } = kvp(pools, ["set", "b", "2"]);
  expect([status, stderr]).toEqual([0, expect.stringContaining(".kvp_pool_1.damaged-1'")]);
  expect(pools.bytes(1)).toEqual(records(["a", "1"], ["b", "2"]));
});

test("bytes that are no UTF-8 are listed in a safe form", () => {
  using pools = new PoolDirectory();
  const record = records(["a", "1"]);
  record.set([0xff, 0xfe], 512);
  pools.write(1, record);
  expect(printed(pools, ["list"])).toBe("a=\ufffd\ufffd\n");
});

test("what is no pool file is one line and status 1", () => {
  using pools = new PoolDirectory();
  mkdirSync(pools.file(1));
  for (const args of [["list"], ["set", "a", "1"]]) {
    const { status, stderr } = kvp(pools, args);
    expect([status, stderr]).toEqual([1, expect.stringContaining("is a directory\n")]);
  }
});

test("a directory that is a loop of links is one line and status 1", () => {
  using pools = new PoolDirectory();
  const loop = `${pools.path}/loop`;
  symlinkSync(loop, loop);
  for (const words of ["list", "info", "is-stale", "clear", "clear --if-stale", "wait key"]) {
    const { status, stderr } = hvguest(["kvp", "--dir", loop, ...words.split(" ")], {});
    expect([words, status, stderr.trimEnd().split("\n").length]).toEqual([words, 1, 1]);
  }
});

test("wrong usage is status 2 and one line", () => {
  using pools = new PoolDirectory();
  for (const args of [
    [],
    ["set"],
    ["set", "a"],
    ["get"],
    ["--pool=0", "--pool=1", "list"],
    ["--dir=/nonexistent", "list"],
    ["set", "a", "b", "c"],
    ["list", "--nonsense"],
    ["nonsense"],
    ["wait", "a", "--timeout=x"],
  ]) {
    const { status, stdout, stderr } = kvp(pools, args);
    expect([args, status, stdout, stderr.trimEnd().split("\n").length]).toEqual([args, 2, "", 1]);
  }
});

test("wait prints a value that comes, and gives up in time", async () => {
  using pools = new PoolDirectory();
  const directory = `${pools.path}/not/yet`;
  const waiting = Bun.spawn(
    [...fromSource, "kvp", "--dir", directory, "wait", "a", "--value", "2", "--timeout", "60"],
    { stdout: "pipe", env: {} },
  );
  for (const value of ["1", "2"]) {
    hvguest(["kvp", "--dir", directory, "set", "a", value]);
  }
  expect([await new Response(waiting.stdout).text(), await waiting.exited]).toEqual(["2\n", 0]);
  expect(kvp(pools, ["wait", "b", "--timeout", "0.1"])).toEqual({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining("'b' did not come in 0.1 s"),
  });
});

test("watch prints each change until it is told to end", async () => {
  using pools = new PoolDirectory();
  printed(pools, ["set", "a", "1"]);
  const watching = Bun.spawn(
    [...fromSource, "kvp", "--dir", pools.path, "watch", "--initial", "--json"],
    { stdout: "pipe", env: {} },
  );
  const lines = linesOf(watching.stdout);
  expect(await lines.next()).toMatchObject({ value: '{"event":"set","key":"a","value":"1"}' });
  printed(pools, ["set", "a", "2"]);
  expect(await lines.next()).toMatchObject({ value: '{"event":"set","key":"a","value":"2"}' });
  printed(pools, ["delete", "a"]);
  expect(await lines.next()).toMatchObject({ value: '{"event":"delete","key":"a"}' });
  watching.kill("SIGTERM");
  expect(await watching.exited).toBe(0);
});

test("differences name what is gone, then what is new or has changed", () => {
  const before = new Map(Object.entries({ a: "1", b: "2", c: "3" }));
  const after = new Map(Object.entries({ b: "2", c: "4", d: "5" }));
  expect(differences(before, after)).toEqual([
    { event: "delete", key: "a" },
    { event: "set", key: "c", value: "4" },
    { event: "set", key: "d", value: "5" },
  ]);
});

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
