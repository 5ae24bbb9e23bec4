import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/until.ts";

const program = join(import.meta.dir, "../support/detach-program.ts");

/** Runs the program until its first process ends; the other may go on. */
function detached(course: string) {
  const pidFile = join(mkdtempSync(join(tmpdir(), "hvguest-detach-")), "pid");
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, program, course, pidFile], {
    env: {},
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    status: exitCode,
    stderr: stderr.toString(),
    pid: Number(readFileSync(pidFile, "utf8")),
  };
}

test("the first process ends well once the service is registered, the other goes on", () => {
  // That it ends at all also shows that nothing keeps the caller's standard error open.
  const { status, stderr, pid } = detached("registers");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(existsSync(`/proc/${pid}`)).toBe(true);
  process.kill(pid, "SIGKILL");
});

test("the background process has a session, a directory and descriptors of its own", () => {
  const { pid } = detached("registers");
  // pid (comm) state ppid pgrp session; comm has no blanks here.
  const session = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ")[5];
  expect(Number(session)).toBe(pid);
  expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
  for (const fd of [0, 1, 2]) {
    expect(readlinkSync(`/proc/${pid}/fd/${fd}`)).toBe("/dev/null");
  }
  process.kill(pid, "SIGKILL");
});

test("without a device the status is 69, and nothing stays behind", async () => {
  const { status, stderr, pid } = detached("waits");
  expect(status).toBe(69);
  expect(stderr).toBe("error: hvguest: the host does not offer the service\n");
  await until(() => !existsSync(`/proc/${pid}`));
});

test("what the background process says of its failure is seen, with status 1", async () => {
  const { status, stderr, pid } = detached("fails");
  expect(status).toBe(1);
  expect(stderr).toBe("said by the background process\n");
  await until(() => !existsSync(`/proc/${pid}`));
});
