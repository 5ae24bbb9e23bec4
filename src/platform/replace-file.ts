// Puts a file into place so that a crash leaves the old one or the new one.

import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Writes the whole file under a temporary name beside it and renames it. Missing
 * directories are made (0755). A failure leaves what was there, and no other file.
 * @throws Error of the system call
 */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode: number,
  owner?: FileOwner,
): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  const temporary = `${directory}/.${path.slice(directory.length + 1)}.hvguest-${process.pid}`;
  try {
    rmSync(temporary, { force: true });
    // Exclusive: nobody can have put a link there.
    const fd = openSync(temporary, "wx", 0o600);
    try {
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      for (let offset = 0; offset < bytes.length; ) {
        offset += writeSync(fd, bytes, offset);
      }
      if (owner !== undefined) {
        fchownSync(fd, owner.uid, owner.gid);
      }
      fchmodSync(fd, mode);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(directory);
}

/** Removes a file, if it is there, so that it stays away after a crash. */
export function removeFile(path: string): void {
  if (existsSync(dirname(path))) {
    rmSync(path, { force: true });
    syncDirectory(dirname(path));
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
