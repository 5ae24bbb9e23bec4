// What `hvguest fcopy status` shows: /run/hvguest/fcopy.json, written by the service.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Paths } from "../../platform/paths.ts";

/** A file that was received, or was not. Times are in ISO 8601. */
export interface EndedTransfer {
  readonly path: string;
  readonly bytes: number;
  readonly ended: string;
  readonly seconds: number;
  /** Why no file has come of it. */
  readonly failure?: string;
}

export interface FcopyReport {
  readonly pid: number;
  /** `device` before Linux 6.10, `ring` since. */
  readonly transport: "device" | "ring" | null;
  /** Of the protocol, as negotiated; null before. */
  readonly version: string | null;
  readonly transfer: {
    readonly path: string;
    readonly size: number;
    readonly received: number;
    readonly bytes_per_second: number;
    /** Where the file can be found after a crash, if it has a name by then. */
    readonly leftover: string;
  } | null;
  /** The newest first. */
  readonly last: readonly EndedTransfer[];
  /** Requests that were answered with a failure, since the start. */
  readonly refused: number;
  readonly last_refusal: string | null;
}

/** Files that are remembered. */
export const rememberedTransfers = 10;

export function reportPath(paths: Paths): string {
  return `${paths.run}/fcopy.json`;
}

/** Writes the report, whole or not at all. @throws what the kernel says */
export function writeReport(paths: Paths, report: FcopyReport): void {
  mkdirSync(paths.run, { recursive: true, mode: 0o755 });
  const path = reportPath(paths);
  // In /run, which a reboot empties: there is nothing to make last.
  writeFileSync(`${path}.new`, `${JSON.stringify(report)}\n`, { mode: 0o644 });
  renameSync(`${path}.new`, path);
}

/** The report; undefined when the service has not run since the boot, or has written no report. */
export function readReport(paths: Paths): FcopyReport | undefined {
  try {
    return JSON.parse(readFileSync(reportPath(paths), "utf8")) as FcopyReport;
  } catch {
    // Not there, or not ours.
    return undefined;
  }
}

/** Whether the process that wrote a report is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, for somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
