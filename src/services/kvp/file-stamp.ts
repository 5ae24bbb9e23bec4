// Tells whether a file is still the one that was read.

import { statSync } from "node:fs";
import { callFile } from "../../platform/file-call.ts";

/** Identifies a state of a file: another one whenever it was changed or replaced. */
export interface FileStamp {
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** The stamp of the file with this name, undefined when there is none. */
export function stampOf(path: string): FileStamp | undefined {
  const stat = callFile(`stat '${path}'`, () =>
    statSync(path, { bigint: true, throwIfNoEntry: false }),
  );
  return stat && toStamp(stat);
}

export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return (
    a.changed === b.changed &&
    a.modified === b.modified &&
    a.size === b.size &&
    a.inode === b.inode &&
    a.device === b.device
  );
}

/**
 * Whether a change after `time` (of {@link native}'s fileTime) gets another stamp
 * than this: file systems stamp with a clock that stands still for milliseconds,
 * old ones with whole seconds.
 */
export function isSettled(stamp: FileStamp, time: number): boolean {
  const changed = Number(stamp.changed / 1_000_000n);
  const granularity = stamp.changed % 1_000_000_000n === 0n ? 2000 : 0;
  return changed + granularity < time;
}

/** The stamp in what fstat(2) and stat(2) tell, asked for with `bigint: true`. */
export function toStamp(stat: {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}): FileStamp {
  return {
    device: stat.dev,
    inode: stat.ino,
    size: stat.size,
    modified: stat.mtimeNs,
    changed: stat.ctimeNs,
  };
}
