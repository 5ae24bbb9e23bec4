// The executable's kvp command where a guest's scripts run it: as another user, on a
// full disk, on a read-only file system, without a place for temporary files.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { buildExecutable, executablePath } from "../../scripts/build.ts";

let work = "";

beforeAll(() => {
  if (!existsSync(executablePath)) {
    buildExecutable();
  }
  // Where every user may enter, and which is not hidden together with /tmp.
  work = mkdtempSync("/var/tmp/hvguest-kvp-");
  copyFileSync(executablePath, `${work}/hvguest`);
  Bun.spawnSync(["chmod", "-R", "go+rx", work]);
});

afterAll(() => rmSync(work, { recursive: true }));

/** Runs a script of sh in a mount namespace of its own; $hvguest is the program. */
function inNamespace(script: string): string {
  const child = Bun.spawnSync(
    ["unshare", "--mount", "--propagation", "private", "sh", "-euc", `cd "$work"\n${script}`],
    {
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        work,
        hvguest: `${work}/hvguest kvp --dir ${work}/pools`,
      },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  expect(child.stderr.toString()).toBe("");
  return child.stdout.toString();
}

test("on a full disk a key is refused in one line, the pool is as before, and deleting works", () => {
  const printed = inNamespace(`
    mkdir -p pools
    mount -t tmpfs -o size=64k none pools
    n=0
    while $hvguest set "key $n" "$n" 2>error; do n=$((n + 1)); done
    cp pools/.kvp_pool_1 before
    $hvguest set another x 2>/dev/null || echo "status $?"
    cmp before pools/.kvp_pool_1 && echo same
    $hvguest set "key 1" changed && $hvguest get "key 1"
    $hvguest delete "key 2"
    $hvguest list | wc -l
    echo "$n"
    cat error
  `).split("\n");
  const [status, same, changed, deleted, left, count, error] = printed;
  expect([status, same, changed, deleted]).toEqual(["status 1", "same", "changed", "true"]);
  expect(Number(left)).toBe(Number(count) - 1);
  expect(Number(count)).toBeGreaterThan(10);
  expect(error).toContain("write '");
  expect(error).toContain("ENOSPC");
});

test("on a read-only file system pools are read, and a change is refused in one line", () => {
  const printed = inNamespace(`
    mkdir -p pools
    mount -t tmpfs none pools
    $hvguest set a 1
    mount -o remount,ro pools
    $hvguest get a
    $hvguest list
    $hvguest info | grep ^records
    $hvguest set a 2 2>error || echo "status $?"
    cat error
  `).split("\n");
  expect(printed.slice(0, 4)).toEqual(["1", "a=1", "records=1", "status 1"]);
  expect(printed[4]).toContain("EROFS");
});

test("another user reads what modes allow and changes nothing", () => {
  const printed = inNamespace(`
    mkdir -p pools
    mount -t tmpfs -o mode=755 none pools
    $hvguest set a 1
    nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
    $nobody $hvguest get a
    $nobody $hvguest wait a
    $nobody $hvguest set a 2 2>/dev/null || echo "status $?"
    chmod 600 pools/.kvp_pool_1
    $nobody $hvguest get a 2>&1 || echo "status $?"
  `).split("\n");
  expect(printed.slice(0, 3)).toEqual(["1", "1", "status 1"]);
  expect(printed[3]).toContain("EACCES");
  expect(printed[4]).toBe("status 1");
});

test("it needs no place for temporary files", () => {
  const printed = inNamespace(`
    mkdir -p pools
    mount -t tmpfs none pools
    mount -t tmpfs -o ro none /tmp
    mount -t tmpfs -o ro,noexec none /dev/shm
    $hvguest set a 1
    $hvguest get a
  `);
  expect(printed).toBe("1\n");
});
