import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, run, RunError, runOrThrow } from "../../src/platform/run-command.ts";

const generous = { timeoutSeconds: 60 };

function directory(): string {
  return mkdtempSync(join(tmpdir(), "run-command-"));
}

test("arguments arrive as they are, whatever characters they have", async () => {
  const odd = ["a b", "$(id)", "`id`", "'\"", "*", "é\n", ""];
  const result = await run("/usr/bin/printf", ["%s|", ...odd], generous);
  expect(result).toEqual({ status: 0, stdout: `${odd.join("|")}|`, stderr: "" });
});

test("the environment is fixed, and has what the caller adds", async () => {
  process.env["RUN_COMMAND_SECRET"] = "1";
  const { stdout } = await run("/usr/bin/env", [], { ...generous, environment: { EXTRA: "x" } });
  expect(stdout.trim().split("\n").toSorted()).toEqual([
    "EXTRA=x",
    "HOME=/",
    "LC_ALL=C.UTF-8",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
  ]);
});

test("no descriptor is inherited, and no signal is ignored", async () => {
  const { stdout } = await run(
    "/bin/sh",
    ["-c", "ls /proc/$$/fd; grep SigIgn /proc/$$/status"],
    generous,
  );
  const lines = stdout.trim().split("\n");
  expect(lines.filter((line) => Number(line) > 2 && Number(line) !== 10)).toEqual([]);
  expect(lines.at(-1)).toMatch(/^SigIgn:\s+0+$/);
});

test("standard input is empty, or what is given", async () => {
  expect((await run("/bin/cat", [], generous)).stdout).toBe("");
  expect((await run("/bin/cat", [], { ...generous, input: "héllo" })).stdout).toBe("héllo");
});

test("a status that is not 0 is told with the last complaint", async () => {
  const script = ["-c", "echo one >&2; echo two >&2; exit 3"];
  expect((await run("/bin/sh", script, generous)).status).toBe(3);
  await expect(runOrThrow("/bin/sh", script, generous)).rejects.toThrow(
    "run '/bin/sh': status 3: two",
  );
});

test("a program that a signal ends has no status", async () => {
  expect((await run("/bin/sh", ["-c", "kill -9 $$"], generous)).status).toBeUndefined();
});

test("a program that is missing or relative is an error", async () => {
  await expect(run("/nonexistent/program", [], generous)).rejects.toThrow(RunError);
  await expect(run("true", [], generous)).rejects.toThrow("not an absolute path");
});

test("output beyond the limit is read and dropped", async () => {
  const { status, stdout } = await run("/usr/bin/head", ["-c", "3000000", "/dev/zero"], {
    ...generous,
    maxOutputBytes: 100_000,
  });
  expect([status, stdout.length]).toEqual([0, 100_000]);
});

test("at the timeout the program and its descendants are killed", async () => {
  const pidFile = join(directory(), "pid");
  const script = `sleep 1000 & echo $! >'${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; wait`;
  const running = run("/bin/sh", ["-c", script], { timeoutSeconds: 1 });
  await expect(running).rejects.toThrow("run '/bin/sh': not done after 1 s, killed");
  await running.catch(() => undefined);
  if (existsSync(pidFile)) {
    const pid = readFileSync(pidFile, "utf8").trim();
    const isGone = () =>
      !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
    while (!isGone()) {
      await Bun.sleep(5);
    }
  }
});

test("a descendant that left the group cannot hold the result back for ever", async () => {
  const script = "setsid sleep 5 & exit 0";
  await expect(run("/bin/sh", ["-c", script], { timeoutSeconds: 1 })).rejects.toThrow(RunError);
});

test("an abort kills the program and is passed on", async () => {
  const controller = new AbortController();
  const running = run("/bin/sleep", ["1000"], { ...generous, signal: controller.signal });
  controller.abort(new Error("stop"));
  await expect(running).rejects.toThrow("stop");
});

test("a program is found in the first directory that has it executable", () => {
  const [first, second] = [directory(), directory()];
  writeFileSync(join(first, "tool"), "", { mode: 0o644 });
  writeFileSync(join(second, "tool"), "", { mode: 0o755 });
  expect(findProgram("tool", [first, second])).toBe(join(second, "tool"));
  expect(findProgram("no-such-tool")).toBeUndefined();
});
