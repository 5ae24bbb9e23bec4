// One look at a pool, and one change of it, for programs that keep nothing in memory.

import { chmodSync, mkdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { NativeError } from "../../native/native-error.ts";
import { PoolEditor } from "./pool-editor.ts";
import { callFile } from "../../platform/file-call.ts";
import type { FileStamp } from "./file-stamp.ts";
import { PoolFile } from "./pool-file.ts";
import { PoolImage } from "./pool-image.ts";
import type { RecordLimits } from "./pool-record.ts";
import { repairSize } from "./pool-repair.ts";
import { shorten } from "./pool-writes.ts";

/** A pool at one instant. */
export interface PoolView {
  readonly image: PoolImage;
  readonly stamp: FileStamp;
}

/**
 * What a pool file holds; undefined when there is none. Without a lock, as on a
 * read-only file system, when none is to be had within `waitMilliseconds`.
 * @throws NativeError when it cannot be read, PoolError when it is no file.
 */
export function viewPool(path: string, waitMilliseconds: number): PoolView | undefined {
  try {
    using file = PoolFile.open(path, "read", waitMilliseconds);
    return { image: new PoolImage(file.read()), stamp: file.opened };
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

export interface ChangeOptions {
  readonly limits: RecordLimits;
  readonly waitMilliseconds: number;
  /** Told when the file ended in a partial record, with the name of the kept original. */
  readonly onRepair: (copy: string) => void;
}

/**
 * Runs a change of a pool file, which is made when it is missing, as is its
 * directory. No other program that locks sees a part of the change.
 * @throws PoolError, NativeError
 */
export function changePool<T>(
  path: string,
  { limits, waitMilliseconds, onRepair }: ChangeOptions,
  change: (editor: PoolEditor) => T,
): T {
  using file = openForChange(path, waitMilliseconds);
  const copy = repairSize(file);
  if (copy !== undefined) {
    onRepair(copy);
  }
  return change(new PoolEditor(file, new PoolImage(file.read()), limits));
}

/**
 * Deletes all records of a pool file, whatever its size, if it is still wanted once no
 * other program writes. A file that is missing is left missing.
 * @throws PoolError, NativeError
 */
export function clearPool(path: string, waitMilliseconds: number, isWanted: () => boolean): void {
  try {
    using file = PoolFile.open(path, "clear", waitMilliseconds);
    if (isWanted()) {
      shorten(file, 0);
    }
  } catch (error) {
    if (!isMissing(error)) {
      throw error;
    }
  }
}

/** Opens a pool file for changes, and makes it and its directory when they are missing. */
export function openForChange(path: string, waitMilliseconds: number): PoolFile {
  try {
    return PoolFile.open(path, "create", waitMilliseconds);
  } catch (error) {
    if (!isMissing(error)) {
      throw error;
    }
    makeDirectory(dirname(path));
    return PoolFile.open(path, "create", waitMilliseconds);
  }
}

function makeDirectory(path: string): void {
  const made = callFile(`make '${path}'`, () => mkdirSync(path, { recursive: true, mode: 0o755 }));
  if (made !== undefined) {
    // Against the umask: other programs of the guest read the pools.
    callFile(`chmod '${path}'`, () => chmodSync(path, 0o755));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof NativeError && error.errno === constants.errno.ENOENT;
}
