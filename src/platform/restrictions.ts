// What the system keeps a process from: capabilities that it lacks, and what SELinux
// has denied it.

import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import type { Paths } from "./paths.ts";

/** Numbers of capabilities(7) that the services need. */
export const Capability = { dacOverride: 1, sysAdmin: 21 } as const;

/** Whether a process has a capability; undefined when it cannot be told. */
export function hasCapability(paths: Paths, pid: number, capability: number): boolean | undefined {
  try {
    const status = readFileSync(`${paths.proc}/${pid}/status`, "utf8");
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
    return effective === undefined
      ? undefined
      : ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n;
  } catch {
    // It has just ended, or is not ours to see.
    return undefined;
  }
}

/** How much of the end of the audit log is looked at. */
const auditBytes = 1 << 20;

/**
 * The last denials of SELinux whose program is one of ours, oldest first; undefined
 * where SELinux does not enforce or the audit log cannot be read.
 */
export function selinuxDenials(
  paths: Paths,
  root: string,
  programs: readonly string[],
): readonly string[] | undefined {
  const enforcing = endOf(`${paths.sys}/fs/selinux/enforce`, 1);
  const log = enforcing === "1" ? endOf(`${root}/var/log/audit/audit.log`, auditBytes) : undefined;
  return log
    ?.split("\n")
    .filter((line) => line.startsWith("type=AVC") && line.includes(" denied "))
    .filter((line) => programs.some((name) => line.includes(` comm="${name}"`)));
}

function endOf(path: string, bytes: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    // Not there, or not for us.
    return undefined;
  }
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(bytes);
    const count = readSync(fd, buffer, 0, bytes, Math.max(0, size - bytes));
    return buffer.toString("utf8", 0, count);
  } finally {
    closeSync(fd);
  }
}
