// When the kernel started.

import { readFileSync } from "node:fs";
import type { Paths } from "./paths.ts";

/**
 * Milliseconds since the epoch, whole seconds (`btime`, proc(5)).
 * @throws Error when /proc does not tell.
 */
export function bootTime(paths: Pick<Paths, "proc">): number {
  const path = `${paths.proc}/stat`;
  const seconds = /^btime (\d+)$/m.exec(readFileSync(path, "utf8"))?.[1];
  if (seconds === undefined) {
    throw new Error(`'${path}' has no btime`);
  }
  return Number(seconds) * 1000;
}
