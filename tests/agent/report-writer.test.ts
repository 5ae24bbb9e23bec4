import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { ReportWriter } from "../../src/agent/report-writer.ts";
import { readServiceReports } from "../../src/agent/service-report.ts";
import { Logger } from "../../src/log.ts";
import { pathsFrom } from "../../src/platform/paths.ts";
import { FreezeState } from "../../src/services/freeze-state.ts";

function writing() {
  const root = mkdtempSync(`${tmpdir()}/hvguest-reports-`);
  const paths = pathsFrom({ HVGUEST_ROOT: root });
  const freezeState = new FreezeState();
  const lines: string[] = [];
  const logger = new Logger({ sink: (line) => lines.push(line), level: "info", journal: false });
  const writer = new ReportWriter(paths, "1.0", logger.log("agent"), freezeState);
  return { root, paths, freezeState, lines, writer };
}

test("a report tells the phase, its beginning, registrations and the last error", () => {
  const { root, paths, writer } = writing();
  const status = () => "registered, 2 requests";
  writer.note("kvp", { phase: "registered" }, status);
  writer.note("kvp", { phase: "registered" }, status);
  writer.note("kvp", { phase: "failed", reason: "boom" }, status);
  writer.note("kvp", { phase: "registered" }, status);
  writer.write();
  expect(readServiceReports(paths)).toMatchObject([
    {
      service: "kvp",
      version: "1.0",
      pid: process.pid,
      phase: "registered",
      status: "registered, 2 requests",
      registrations: 2,
      last_error: { text: "boom" },
    },
  ]);
  writer.forget("kvp");
  expect(readServiceReports(paths)).toEqual([]);
  rmSync(root, { recursive: true });
});

test("nothing is written while file systems are frozen, and the last state after the thaw", async () => {
  const { root, paths, freezeState, writer } = writing();
  writer.note("vss", { phase: "registered" }, () => "registered");
  freezeState.freeze();
  writer.write();
  writer.write();
  expect(readServiceReports(paths)).toEqual([]);
  writer.note("vss", { phase: "registered" }, () => "thawed");
  freezeState.thaw();
  await freezeState.whenThawed();
  await Promise.resolve();
  expect(readServiceReports(paths).map(({ status }) => status)).toEqual(["thawed"]);
  rmSync(root, { recursive: true });
});

test("a folder that cannot be written is told once", () => {
  const { root, lines, writer } = writing();
  const blocked = new ReportWriter(
    { ...pathsFrom({}), run: "/proc/nowhere" },
    "1.0",
    new Logger({ sink: (line) => lines.push(line), level: "info", journal: false }).log("agent"),
    new FreezeState(),
  );
  blocked.note("kvp", { phase: "waiting" }, () => "");
  blocked.write();
  blocked.write();
  expect(lines.length).toBe(1);
  expect(lines[0]).toContain("write the state: ");
  writer.write();
  rmSync(root, { recursive: true });
});
