// Which processes have a device open.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Paths } from "./paths.ts";

export interface DeviceUser {
  readonly pid: number;
  /** The process's short name. */
  readonly name: string;
}

/** Processes that have `device` open, as far as we may see. */
export function usersOf(paths: Paths, device: string): DeviceUser[] {
  return entriesOf(paths.proc)
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) =>
      entriesOf(`${paths.proc}/${pid}/fd`).some(
        (fd) => linkOf(`${paths.proc}/${pid}/fd/${fd}`) === device,
      ),
    )
    .map((pid) => ({ pid: Number(pid), name: nameOf(`${paths.proc}/${pid}/comm`) }));
}

function nameOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // It has just ended.
    return "?";
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile, or not for us.
    return undefined;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // The process has ended, or is not ours to see.
    return [];
  }
}
