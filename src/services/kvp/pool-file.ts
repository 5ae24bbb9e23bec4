// A pool file that is open and locked. Every program locks before it reads or
// writes: cloud-init with flock(2), the C daemon with fcntl(2), azure-init with
// both; hvguest takes both.

import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { constants as osConstants } from "node:os";
import { native } from "../../native/binding.ts";
import { callNative, NativeError } from "../../native/native-error.ts";
import { callFile } from "../../platform/file-call.ts";
import { type FileStamp, stampOf, toStamp } from "./file-stamp.ts";
import { PoolError, recordBytes } from "./pool-record.ts";
import type { RecordFile } from "./pool-writes.ts";

const { errno } = osConstants;

/** What is read of a pool file at most: 13,107 records. */
export const largestFile = 13_107 * recordBytes;

/** How a pool file is opened: "clear" is a change that takes a file of whatever size. */
export type Access = "read" | "change" | "create" | "clear";

/** An open pool file; closing it releases the locks. */
export class PoolFile implements RecordFile, Disposable {
  readonly path: string;
  /** Whether no other program changes the file meanwhile; always so for changes. */
  readonly isLocked: boolean;
  /** The state of the file when the lock was there. */
  readonly opened: FileStamp;
  readonly #fd: number;

  private constructor(path: string, fd: number, isLocked: boolean, opened: FileStamp) {
    this.path = path;
    this.#fd = fd;
    this.isLocked = isLocked;
    this.opened = opened;
  }

  /**
   * Opens and locks the file that has this name once the lock is held; "create"
   * makes it when it is missing, with mode 0644. Reading goes on without a lock
   * when there is none to be had; then the file may be caught in the middle of
   * another program's change.
   * @throws NativeError from the kernel; PoolError when this is no file, or
   * another program holds it longer than `waitMilliseconds`.
   */
  static open(path: string, access: Access, waitMilliseconds: number): PoolFile {
    for (;;) {
      const fd = openFile(path, access);
      try {
        const isLocked = lock(path, fd, access, waitMilliseconds);
        const stat = fstatSync(fd, { bigint: true });
        if (!stat.isFile()) {
          throw new PoolError(`'${path}' is ${stat.isDirectory() ? "a directory" : "not a file"}`);
        }
        const opened = toStamp(stat);
        if (isNamed(path, opened)) {
          if ((access === "change" || access === "create") && opened.size > largestFile) {
            throw new PoolError(`'${path}' is larger than ${largestFile} bytes`);
          }
          return new PoolFile(path, fd, isLocked, opened);
        }
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      // Replaced while we waited: the lock is one of a file without a name.
      closeSync(fd);
    }
  }

  stamp(): FileStamp {
    return toStamp(fstatSync(this.#fd, { bigint: true }));
  }

  /**
   * After a change: gives the file a time that no other change gives it, so that
   * the returned stamp is that of this state alone, however soon the next change
   * comes. Undefined when the file cannot be marked, or has changed meanwhile.
   */
  mark(): FileStamp | undefined {
    const before = this.stamp();
    // Other changes have the time of a tick of the kernel's clock; this lies between.
    // performance.now() does not follow a clock that is set, as after a saved state.
    const now = (Date.now() + (performance.now() % 1)) / 1000;
    try {
      futimesSync(this.#fd, now, now);
    } catch {
      // Another user's file: the clock has to tell its changes apart.
      return undefined;
    }
    const after = this.stamp();
    return after.modified !== before.modified && after.size === before.size ? after : undefined;
  }

  /** The file from its beginning, at most {@link largestFile}. */
  read(): Uint8Array {
    const size = Number(fstatSync(this.#fd).size);
    const bytes = Buffer.allocUnsafeSlow(Math.min(size, largestFile));
    return callFile(`read '${this.path}'`, () => {
      let filled = 0;
      while (filled < bytes.length) {
        const count = readSync(this.#fd, bytes, filled, bytes.length - filled, filled);
        if (count === 0) {
          break;
        }
        filled += count;
      }
      return bytes.subarray(0, filled);
    });
  }

  write(bytes: Uint8Array, offset: number): void {
    callFile(`write '${this.path}'`, () => {
      let written = 0;
      while (written < bytes.length) {
        written += writeSync(this.#fd, bytes, written, bytes.length - written, offset + written);
      }
    });
  }

  truncate(size: number): void {
    callFile(`truncate '${this.path}'`, () => ftruncateSync(this.#fd, size));
  }

  sync(): void {
    callFile(`sync '${this.path}'`, () => fsyncSync(this.#fd));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function openFile(path: string, access: Access): number {
  const { O_RDONLY, O_RDWR, O_NOFOLLOW, O_NONBLOCK } = constants;
  const flags = (access === "read" ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_NONBLOCK;
  try {
    return callFile(`open '${path}'`, () => openSync(path, flags));
  } catch (error) {
    if (access === "create" && error instanceof NativeError && error.errno === errno.ENOENT) {
      return createFile(path, flags);
    }
    throw error instanceof NativeError ? asPoolError(path, error) : error;
  }
}

function createFile(path: string, flags: number): number {
  const { O_CREAT, O_EXCL } = constants;
  let fd: number;
  try {
    fd = callFile(`create '${path}'`, () => openSync(path, flags | O_CREAT | O_EXCL, 0o644));
  } catch (error) {
    if (error instanceof NativeError && error.errno === errno.EEXIST) {
      return openFile(path, "change");
    }
    throw error;
  }
  // Against the umask: other programs of the guest read the pools.
  callFile(`chmod '${path}'`, () => fchmodSync(fd, 0o644));
  return fd;
}

function asPoolError(path: string, error: NativeError): Error {
  switch (error.errno) {
    case errno.ELOOP:
      return new PoolError(`'${path}' is a symbolic link`, { cause: error });
    case errno.EISDIR:
      return new PoolError(`'${path}' is a directory`, { cause: error });
    default:
      return error;
  }
}

function lock(path: string, fd: number, access: Access, waitMilliseconds: number): boolean {
  if (access === "read") {
    try {
      return callNative(() => native().lockFile(fd, false, waitMilliseconds));
    } catch {
      // No native part, or a file system without locks: reading is still possible.
      return false;
    }
  }
  if (!callNative(() => native().lockFile(fd, true, waitMilliseconds))) {
    throw new PoolError(`'${path}' is locked by another program`);
  }
  return true;
}

function isNamed(path: string, opened: FileStamp): boolean {
  const named = stampOf(path);
  return named?.inode === opened.inode && named.device === opened.device;
}
