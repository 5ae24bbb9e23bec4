// What is at a place of an image, and changing it so that a crash leaves old or new.

import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { replaceFile } from "../platform/replace-file.ts";

/** What a place holds: a fingerprint of a file, or the target of a link. */
export type Held = string;

/** What is at `path`: `sha256:…`, `link:…`, `folder`, `other`, or undefined for nothing. */
export function heldAt(path: string): Held | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    return undefined;
  }
  if (found.isSymbolicLink()) {
    return linkHeld(readlinkSync(path));
  }
  if (found.isDirectory()) {
    return "folder";
  }
  return found.isFile() ? fileHeld(path) : "other";
}

export function linkHeld(target: string): Held {
  return `link:${target}`;
}

export function textHeld(text: string): Held {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

export function fileHeld(path: string): Held {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(1 << 20);
  const fd = openSync(path, "r");
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
  return `sha256:${hash.digest("hex")}`;
}

export function modeAt(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

export function putText(path: string, text: string, mode: number): void {
  replaceFile(path, text, mode);
}

export function putCopy(path: string, source: string, mode: number): void {
  put(path, (temporary) => {
    copyFileSync(source, temporary);
    chmodSync(temporary, mode);
    sync(temporary);
  });
}

export function putLink(path: string, target: string): void {
  put(path, (temporary) => symlinkSync(target, temporary));
}

/** The JSON text of `path`, or undefined when there is no file. @throws SyntaxError */
export function readJson(path: string): unknown {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined
    ? undefined
    : JSON.parse(readFileSync(path, "utf8"));
}

function put(path: string, make: (temporary: string) => void): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const temporary = `${path}.hvguest-new`;
  rmSync(temporary, { force: true });
  try {
    make(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  sync(folder);
}

function sync(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
