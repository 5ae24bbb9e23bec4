// Pools that several programs change at the same time, each with its own kind of lock.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { enumerated, PoolDirectory, records } from "../services/kvp/pool-directory.ts";

const rounds = 150;
const ours = join(import.meta.dir, "../support/set-pool-keys.ts");

for (const kind of ["flock", "fcntl"] as const) {
  test(`no record is lost, and none unseen, beside programs that lock by ${kind}`, async () => {
    using pools = new PoolDirectory();
    pools.write(1, records(["anchor", "always there"]));
    const store = pools.store();
    const writer = join(import.meta.dir, `writers/${kind}_writer.py`);
    const children = [
      ["python3", writer, pools.file(1), String(rounds), "theirs 1"],
      ["python3", writer, pools.file(1), String(rounds), "theirs 2"],
      [process.execPath, ours, pools.path, "1", String(rounds), "ours 1"],
      [process.execPath, ours, pools.path, "1", String(rounds), "ours 2"],
    ].map((argv) => Bun.spawn(argv, { stdout: "ignore", stderr: "pipe" }));
    let running = true;
    const ended = Promise.all(children.map((child) => child.exited)).finally(() => {
      running = false;
    });
    while (running) {
      expect(store.record(1, 0)).toEqual({ key: "anchor", value: "always there" });
      await Bun.sleep(0);
    }
    const said = await Promise.all(children.map((child) => new Response(child.stderr).text()));
    expect([await ended, said.join("")]).toEqual([[0, 0, 0, 0], ""]);

    const found = new Map(enumerated(store, 1));
    for (let number = 0; number < rounds; number += 1) {
      for (const prefix of ["theirs 1", "theirs 2"]) {
        expect(found.get(`${prefix} ${number}`)).toBe("v".repeat(number % 1500));
      }
      const left = number % 10 === 9 ? undefined : "new".repeat(number % 600);
      for (const prefix of ["ours 1", "ours 2"]) {
        expect(found.get(`${prefix} ${number}`)).toBe(left);
      }
    }
    expect(pools.notices).toEqual([]);
  });
}
