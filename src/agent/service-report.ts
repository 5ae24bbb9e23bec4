// What a running service tells `hvguest status`: /run/hvguest/agent-<service>.json,
// written when its state changes and when SIGUSR1 asks for it.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Paths } from "../platform/paths.ts";
import type { ServiceName } from "../services/service.ts";
import type { ServiceState } from "./supervisor.ts";

export interface ServiceReport {
  readonly service: ServiceName;
  readonly version: string;
  readonly pid: number;
  readonly phase: ServiceState["phase"];
  /** When the phase began, ISO 8601. */
  readonly since: string;
  /** The service's own line, counters included. */
  readonly status: string;
  /** Times that it has registered with the kernel. */
  readonly registrations: number;
  readonly last_error?: { readonly at: string; readonly text: string };
  /** When this was written; a later one is a newer one. */
  readonly written: string;
}

export function reportPath(paths: Paths, service: ServiceName): string {
  return `${paths.run}/agent-${service}.json`;
}

/** Writes into memory (/run), so that nothing is to be synced. @throws Error of the system */
export function writeServiceReport(paths: Paths, report: ServiceReport): void {
  mkdirSync(paths.run, { recursive: true, mode: 0o755 });
  const path = reportPath(paths, report.service);
  writeFileSync(`${path}.new`, `${JSON.stringify(report)}\n`, { mode: 0o644 });
  renameSync(`${path}.new`, path);
}

export function removeServiceReport(paths: Paths, service: ServiceName): void {
  rmSync(reportPath(paths, service), { force: true });
}

/** The reports of services whose process is still there. */
export function readServiceReports(paths: Paths): ServiceReport[] {
  let names: string[];
  try {
    names = readdirSync(paths.run);
  } catch {
    // No agent has run since the start of the machine.
    return [];
  }
  return names
    .filter((name) => /^agent-[a-z]+\.json$/.test(name))
    .map((name) => parse(`${paths.run}/${name}`))
    .filter((report) => report !== undefined)
    .filter(({ pid }) => isAlive(pid));
}

function parse(path: string): ServiceReport | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ServiceReport;
  } catch {
    // Just removed, or not ours.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
