// Real kills of a real process at every write of a change, and the store that
// opens what is left.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { enumerated, PoolDirectory, records } from "./pool-directory.ts";

const program = join(import.meta.dir, "../../support/killed-pool-change.ts");
const long = (text: string) => text.repeat(1400);
const before = [
  ["a", long("1")],
  ["b", "2"],
  ["c", long("3")],
  ["d", long("4")],
] as const;

const changes = [
  { name: "a new key", args: ["set", "new", long("x")], key: "new", after: long("x") },
  { name: "a short value", args: ["set", "b", "x"], key: "b", after: "x" },
  { name: "a value in two pages", args: ["set", "b", long("x")], key: "b", after: long("x") },
  { name: "a key in the middle", args: ["delete", "b"], key: "b", after: undefined },
  { name: "the first key", args: ["delete", "a"], key: "a", after: undefined },
  { name: "the last key", args: ["delete", "d"], key: "d", after: undefined },
] as const;

for (const { name, args, key, after } of changes) {
  test(`killed at every write of ${args[0]} with ${name}, the pool has the other records`, () => {
    const others = before.filter(([other]) => other !== key);
    const old = before.find(([other]) => other === key)?.[1];
    for (let instant = 0; ; instant += 1) {
      using pools = new PoolDirectory();
      pools.write(0, records(...before));
      const argv = [process.execPath, program, pools.file(0), String(instant), ...args];
      const child = Bun.spawnSync(argv, { env: {}, stderr: "pipe" });
      expect([child.stderr.toString(), child.signalCode ?? child.exitCode]).toEqual([
        "",
        child.exitCode === 0 ? 0 : "SIGKILL",
      ]);
      const found = new Map(enumerated(pools.store(), 0));
      expect([old, after]).toContain(found.get(key));
      found.delete(key);
      expect(Object.fromEntries(found)).toEqual(Object.fromEntries(others));
      expect(pools.bytes(0).length % 2560).toBe(0);
      if (child.exitCode === 0) {
        expect(new Map(enumerated(pools.store(), 0)).get(key)).toBe(after);
        expect(instant).toBeGreaterThan(0);
        return;
      }
    }
  });
}
