import { expect, test } from "bun:test";
import { fstatSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const repository = join(import.meta.dir, "../..");
const program = join(import.meta.dir, "../support/report-failure.ts");

interface Reported {
  readonly status: number | null;
  readonly lines: readonly string[];
}

/** Reports a failure in a process of its own. */
function reported(failure: string, journal = false): Reported {
  const path = join(mkdtempSync(join(tmpdir(), "hvguest-report-")), "stderr");
  const fd = openSync(path, "w");
  const { dev, ino } = fstatSync(fd);
  const { exitCode } = Bun.spawnSync([process.execPath, program, failure], {
    cwd: repository,
    env: journal ? { JOURNAL_STREAM: `${dev}:${ino}` } : {},
    stderr: fd,
  });
  return { status: exitCode, lines: readFileSync(path, "utf8").trimEnd().split("\n") };
}

test("success says nothing", () => {
  expect(reported("none")).toEqual({ status: 0, lines: [""] });
});

test("a mistake of the operator is status 2", () => {
  expect(reported("usage")).toEqual({ status: 2, lines: ["error: hvguest: name a command"] });
});

test("a failed command has its own status", () => {
  expect(reported("command")).toEqual({ status: 69, lines: ["error: hvguest: no device"] });
});

test("a wrong configuration is status 78", () => {
  expect(reported("configuration")).toEqual({
    status: 78,
    lines: ["error: hvguest: 'hvguest.toml' line 1: wrong"],
  });
});

test("a refusal of the kernel is status 1", () => {
  const { status, lines } = reported("native");
  expect(status).toBe(1);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toStartWith("error: hvguest: open '/dev/vmbus/hv_kvp': ");
});

test("a kernel that does not speak its protocol is no bug of ours", () => {
  expect(reported("wire")).toEqual({
    status: 1,
    lines: ["error: hvguest: hv_kvp_msg: need 7432 bytes, got 4"],
  });
});

test("anything else is a bug: status 70 and the stack", () => {
  const { status, lines } = reported("bug");
  expect(status).toBe(70);
  expect(lines[0]).toBe("error: hvguest: bug: undefined is not a function");
  expect(lines.slice(1).join("\n")).toContain("report-failure.ts");
});

test("what is thrown without being an error is a bug too", () => {
  expect(reported("text")).toEqual({ status: 70, lines: ["error: hvguest: bug: just a text"] });
});

test("for a journal every line has its priority, those of the stack too", () => {
  expect(reported("usage", true).lines).toEqual(["<3>hvguest: name a command"]);
  const { lines } = reported("bug", true);
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.every((line) => line.startsWith("<3>"))).toBe(true);
});
