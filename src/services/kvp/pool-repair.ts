// Pool files whose size is no whole number of records: a program was ended in the
// middle of an append. Left alone, the next append of any program begins at the
// wrong place and every record from there on is lost.

import { closeSync, constants, fsyncSync, openSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { constants as osConstants } from "node:os";
import { NativeError } from "../../native/native-error.ts";
import { callFile } from "../../platform/file-call.ts";
import type { PoolFile } from "./pool-file.ts";
import { wholeRecords } from "./pool-image.ts";
import { PoolError } from "./pool-record.ts";

/** Originals that are kept of one pool; more are a fault that somebody must look at. */
const keptOriginals = 16;

/**
 * Cuts the partial record off an exclusively held file, after a copy of the file
 * is on the disk beside it. Returns the name of the copy, undefined when there was
 * nothing to repair.
 * @throws NativeError, PoolError when no copy can be made; the file is as before.
 */
export function repairSize(file: PoolFile): string | undefined {
  const size = Number(file.opened.size);
  const whole = wholeRecords(size);
  if (whole === size) {
    return undefined;
  }
  const copy = keepOriginal(file.path, file.read());
  file.truncate(whole);
  return copy;
}

function keepOriginal(path: string, bytes: Uint8Array): string {
  for (let number = 1; number <= keptOriginals; number += 1) {
    const copy = `${path}.damaged-${number}`;
    const fd = createNew(copy);
    if (fd === undefined) {
      continue;
    }
    try {
      callFile(`write '${copy}'`, () => {
        for (let written = 0; written < bytes.length; ) {
          written += writeSync(fd, bytes, written);
        }
        fsyncSync(fd);
      });
    } catch (error) {
      unlinkSync(copy);
      throw error;
    } finally {
      closeSync(fd);
    }
    syncDirectory(dirname(path));
    return copy;
  }
  throw new PoolError(`repair '${path}': there are ${keptOriginals} damaged originals beside it`);
}

function createNew(path: string): number | undefined {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  try {
    return callFile(`create '${path}'`, () => openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600));
  } catch (error) {
    if (error instanceof NativeError && error.errno === osConstants.errno.EEXIST) {
      return undefined;
    }
    throw error;
  }
}

function syncDirectory(path: string): void {
  const fd = callFile(`open '${path}'`, () => openSync(path, constants.O_RDONLY));
  try {
    callFile(`sync '${path}'`, () => fsyncSync(fd));
  } finally {
    closeSync(fd);
  }
}
