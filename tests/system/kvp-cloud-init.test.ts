// cloud-init's Hyper-V reporting, from Debian's package, on pools that hvguest keeps.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { PoolStore } from "../../src/services/kvp/pool-store.ts";
import { enumerated } from "../services/kvp/pool-directory.ts";
import { DebianRoot } from "./debian-root.ts";

const reporter = join(import.meta.dir, "writers/cloud_init_reporter.py");
const writer = join(import.meta.dir, "../support/set-pool-keys.ts");
const guest = 1;
let debian: DebianRoot;
let directory = "";
const notices: string[] = [];

beforeAll(() => {
  debian = DebianRoot.make(["cloud-init"]);
  directory = join(debian.path, "var/lib/hyperv");
  copyFileSync(reporter, join(debian.path, "reporter.py"));
});

afterAll(() => debian[Symbol.dispose]());

function freshStore(): PoolStore {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  notices.length = 0;
  const store = new PoolStore(directory, (text) => notices.push(text));
  store.open();
  return store;
}

/** Runs the reporter in the Debian; it must succeed. Returns what it prints. */
function report(...args: readonly string[]): string {
  const { code, output } = debian.run(`python3 /reporter.py ${args.join(" ")}`);
  expect([code, output]).toEqual([0, expect.any(String)]);
  return output;
}

/** The message of an event by its name, put together from its slices. */
function message(store: PoolStore, name: string): string {
  const slices = enumerated(store, guest)
    .map(([key, value]) => ({ key, event: JSON.parse(value) as Record<string, string | number> }))
    .filter(({ event }) => event["name"] === name)
    .toSorted((a, b) => Number(a.event["msg_i"] ?? 0) - Number(b.event["msg_i"] ?? 0));
  for (const { key } of slices) {
    expect(key).toMatch(/^CLOUD_INIT\|\d+\|start\|/);
  }
  return slices.map(({ event }) => event["msg"]).join("");
}

test("its events reach the host, long ones in slices that are all there", () => {
  const store = freshStore();
  report("2", "50", "short");
  report("1", "2500", "long");
  expect(message(store, "short 0")).toBe(`é${"x".repeat(49)}`);
  expect(message(store, "short 1")).toBe(`é${"x".repeat(49)}`);
  expect(message(store, "long 0")).toBe(`é${"x".repeat(2499)}`);
  expect(enumerated(store, guest).length).toBe(5);
  expect(notices).toEqual([]);
});

test("a pool that was removed is made again, and reporting goes on", () => {
  const store = freshStore();
  report("1", "10", "before");
  rmSync(join(directory, ".kvp_pool_1"));
  expect(enumerated(store, guest)).toEqual([]);
  report("1", "10", "after");
  expect(message(store, "after 0")).toBe("éxxxxxxxxx");
});

test("it empties a pool of an earlier boot, which opening the pool does not hide, and no other", () => {
  freshStore().set(guest, "old", "1");
  utimesSync(join(directory, ".kvp_pool_1"), 1, 1);
  const store = new PoolStore(directory, (text) => notices.push(text));
  store.open();
  expect(store.get(guest, "old")).toBe("1");
  expect(statSync(join(directory, ".kvp_pool_1")).mtimeMs).toBe(1000);
  report("1", "10", "new");
  expect(store.get(guest, "old")).toBeUndefined();
  report("1", "10", "newer");
  expect(enumerated(store, guest).length).toBe(2);
});

test("it decodes every record while both write", async () => {
  const store = freshStore();
  const ours = Bun.spawn([process.execPath, writer, directory, String(guest), "300", "ours é"], {
    stderr: "pipe",
  });
  report("200", "30", "theirs");
  expect([await ours.exited, await new Response(ours.stderr).text()]).toEqual([0, ""]);
  const keys = new Set(JSON.parse(report("read")) as string[]);
  const found = new Map(enumerated(store, guest));
  expect(keys).toEqual(new Set(found.keys()));
  expect(keys.size).toBe(200 + 270);
  for (let number = 0; number < 300; number += 1) {
    const left = number % 10 === 9 ? undefined : "new".repeat(number % 600);
    expect(found.get(`ours é ${number}`)).toBe(left);
  }
});
