import { expect, test } from "bun:test";
import { reportText } from "../../src/cli/commands/fcopy.ts";
import { pathsFrom } from "../../src/platform/paths.ts";
import {
  type FcopyReport,
  readReport,
  writeReport,
} from "../../src/services/fcopy/transfer-report.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const report: FcopyReport = {
  pid: 1,
  transport: "ring",
  version: "1.1",
  transfer: {
    path: "/tmp/large",
    size: 1000,
    received: 250,
    bytes_per_second: 12_500_000,
    leftover: "/tmp/.hvguest-0",
  },
  last: [
    { path: "/tmp/a", bytes: 5, ended: "2026-01-01T00:00:00.000Z", seconds: 0.5 },
    { path: "/b", bytes: 1, ended: "2026-01-01T00:00:00.000Z", seconds: 1, failure: "why" },
  ],
  refused: 2,
  last_refusal: "start of 'x' to '/etc/': '/etc' is a denied directory (0x80070005)",
};

test("the report is told in lines", () => {
  expect(reportText(report)).toBe(
    [
      "connected by the ring, version 1.1",
      "receiving '/tmp/large': 250 of 1000 bytes, 12.5 MB/s",
      "2026-01-01T00:00:00.000Z received '/tmp/a', 5 bytes in 0.5 s",
      "2026-01-01T00:00:00.000Z dropped '/b' after 1 bytes: why",
      "2 requests refused, the last: start of 'x' to '/etc/': '/etc' is a denied directory (0x80070005)",
      "",
    ].join("\n"),
  );
});

test("what the host has named is one line, without an effect on the terminal", () => {
  const { last, ...rest } = report;
  const path = "/tmp/\u001b]0;x\u0007\nrefused";
  const hostile = {
    ...rest,
    version: "1.1\u001b[2J",
    transfer: { path, size: 1, received: 0, bytes_per_second: 0, leftover: path },
    last: last.map((ended) => ({ ...ended, path, failure: path })),
    last_refusal: path,
  };
  const text = reportText(hostile);
  expect(text).not.toMatch(/[^\n\u0020-\u007e]/);
  expect(text.trimEnd().split("\n")).toHaveLength(5);
  expect(text).toContain("receiving '/tmp/\\x1b]0;x\\x07\\x0arefused': 0 of 1 bytes");
});

test("the report is read as it was written, and none where there is none", () => {
  const paths = pathsFrom({ HVGUEST_ROOT: temporaryRoot() });
  expect(readReport(paths)).toBeUndefined();
  writeReport(paths, report);
  expect(readReport(paths)).toEqual(report);
});
