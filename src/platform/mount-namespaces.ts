// Mounts that other processes have and we have not: containers, services with
// mounts of their own.

import { readdirSync, readlinkSync } from "node:fs";
import { type Mount, readMounts } from "./mounts.ts";
import type { Paths } from "./paths.ts";

export interface ForeignMount {
  readonly mount: Mount;
  /** A process that has it. */
  readonly processId: number;
}

/** One mount of each file system that is mounted nowhere in our namespace. */
export function foreignMounts({ proc }: Pick<Paths, "proc">): readonly ForeignMount[] {
  const own = `${proc}/self`;
  const seenNamespaces = new Set([namespaceOf(own)]);
  const seenDevices = new Set(mountsOf(own).map(({ device }) => device));
  const found: ForeignMount[] = [];
  for (const name of readdirSync(proc).filter((entry) => /^\d+$/.test(entry))) {
    const process = `${proc}/${name}`;
    const namespace = namespaceOf(process);
    if (namespace === undefined || seenNamespaces.has(namespace)) {
      continue;
    }
    seenNamespaces.add(namespace);
    for (const mount of mountsOf(process)) {
      if (!seenDevices.has(mount.device)) {
        seenDevices.add(mount.device);
        found.push({ mount, processId: Number(name) });
      }
    }
  }
  return found;
}

function namespaceOf(process: string): string | undefined {
  try {
    return readlinkSync(`${process}/ns/mnt`);
  } catch {
    // The process has ended, or is not ours to look at.
    return undefined;
  }
}

function mountsOf(process: string): readonly Mount[] {
  try {
    return readMounts(process);
  } catch {
    // The process has ended.
    return [];
  }
}
