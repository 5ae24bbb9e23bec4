// What became of the last freeze, for `hvguest vss status`: /run/hvguest/vss.json.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export interface LastFreeze {
  /** When the freeze was asked for, ISO 8601. */
  readonly at: string;
  readonly by: "host" | "command";
  readonly result: "thawed" | "expired" | "failed";
  /** Why it is not `thawed`. */
  readonly reason?: string;
  /** From the request to frozen, hooks included. */
  readonly freezeSeconds?: number;
  /** From frozen to thawed. */
  readonly frozenSeconds?: number;
  /** Mount points. */
  readonly fileSystems: readonly string[];
  readonly hooks: readonly string[];
}

/** Writes the record; the directory is in memory, so that nothing is to be synced. */
export function writeLastFreeze(path: string, last: LastFreeze): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(last)}\n`);
  renameSync(`${path}.new`, path);
}

/** The record of the last freeze since the start of the machine. */
export function readLastFreeze(path: string): LastFreeze | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as LastFreeze) : undefined;
}

/** One line, such as `2026-11-26T00:00:00.000Z: thawed after 1.2 s, 2 file systems`. */
export function lastFreezeText(last: LastFreeze): string {
  const count = `${last.fileSystems.length} file system${last.fileSystems.length === 1 ? "" : "s"}`;
  const seconds = last.frozenSeconds?.toFixed(1);
  const how = seconds === undefined ? last.result : `${last.result} after ${seconds} s, ${count}`;
  return `${last.at}: ${how}${last.reason === undefined ? "" : ` (${last.reason})`}`;
}
