// The folder in which cloud-init looks for the NoCloud seed.

import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { removeFile, replaceFile } from "../../platform/replace-file.ts";

/**
 * Makes the folder (0700) hold these files (0600) and not those that are undefined;
 * tells whether anything was changed. A crash leaves each file old or new.
 */
export function writeSeedFolder(
  folder: string,
  files: Readonly<Record<string, Uint8Array | undefined>>,
): boolean {
  mkdirSync(dirname(folder), { recursive: true, mode: 0o755 });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let changed = false;
  for (const [name, bytes] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    const old = contentsOf(path);
    if (bytes === undefined) {
      removeFile(path);
      changed ||= old !== undefined;
    } else if (old?.equals(bytes) !== true) {
      writeSecret(path, bytes);
      changed = true;
    }
  }
  return changed;
}

/** Writes a file that only root reads, whole or not at all. */
export function writeSecret(path: string, bytes: Uint8Array): void {
  replaceFile(path, bytes, 0o600);
}

function contentsOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Not there, or no file: it is written anew, which tells what is wrong.
    return undefined;
  }
}
