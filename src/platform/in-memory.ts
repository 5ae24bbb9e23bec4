// Whether a file lies in memory, where no backup freezes it.

import { statfsSync } from "node:fs";

/** TMPFS_MAGIC, RAMFS_MAGIC (include/uapi/linux/magic.h). */
const memoryTypes = [0x01021994, 0x858458f6];

/** False as well where there is nothing to look at. Returns on a frozen file system too. */
export function liesInMemory(path: string): boolean {
  try {
    return memoryTypes.includes(statfsSync(path).type >>> 0);
  } catch {
    // Not there: whoever makes it finds out.
    return false;
  }
}
