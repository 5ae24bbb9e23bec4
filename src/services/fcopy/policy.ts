// What the configuration lets a host do.

import { readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, normalize } from "node:path";
import { RequestError, Status } from "../../protocol/status.ts";

export interface Policy {
  /** Absolute, as written; empty for everywhere. */
  readonly allowed: readonly string[];
  /** Absolute, as written; stronger than allowed. */
  readonly denied: readonly string[];
  /** Bytes. */
  readonly largestFile: bigint;
}

/**
 * Checks a directory by its real path, without symbolic links. Links in the directories
 * of the policy are followed as they are at the moment.
 * @throws RequestError E_ACCESSDENIED; E_FAIL when a directory of the policy that matters
 *   cannot be looked at: it may lead anywhere.
 */
export async function checkDirectory(
  { allowed, denied }: Policy,
  directory: string,
): Promise<void> {
  if (await isDenied(denied, directory)) {
    throw new RequestError(Status.accessDenied, `'${directory}' is a denied directory`);
  }
  if (allowed.length > 0 && !(await isAllowed(allowed, directory))) {
    throw new RequestError(Status.accessDenied, `'${directory}' is not an allowed directory`);
  }
}

/** Looks at every denied directory: one that does not answer holds up each copy. */
async function isDenied(denied: readonly string[], directory: string): Promise<boolean> {
  // A link that is replaced by a directory in the meantime stays denied.
  return (
    denied.some((path) => isBelow(normalize(path), directory)) ||
    (await isBelowReal(denied, directory))
  );
}

/** Looks at no more than it needs: one that does not answer must not hold up the others. */
async function isAllowed(allowed: readonly string[], directory: string): Promise<boolean> {
  // No part of a real path is a link: what the directory is below as written, without any
  // `.` and `..` taken out, is no link either.
  return (
    allowed.some((path) => isBelow(path, directory)) || (await isBelowReal(allowed, directory))
  );
}

/** One after the other, up to the first that has the directory. */
async function isBelowReal(paths: readonly string[], directory: string): Promise<boolean> {
  for (const path of paths) {
    if (isBelow(await realPath(path), directory)) {
      return true;
    }
  }
  return false;
}

function isBelow(root: string, directory: string): boolean {
  const base = root.replace(/\/+$/, "");
  return directory === base || directory.startsWith(`${base}/`) || base === "";
}

/** The real path as far as it exists, with the missing rest as it is written. */
async function realPath(path: string): Promise<string> {
  const missing: string[] = [];
  let present = path;
  for (;;) {
    try {
      return join(await realpath(present), ...missing);
    } catch (error) {
      if (!isMissing(error)) {
        const reason = error instanceof Error ? error.message : String(error);
        const text = `configured directory '${path}': ${reason}`;
        throw new RequestError(Status.fail, text, { cause: error });
      }
    }
    const parent = dirname(present);
    const name = basename(present);
    try {
      // A link to what does not exist yet stands for what it leads to.
      const target = await readlink(`${parent}/${name}`);
      present = target.startsWith("/") ? target : `${parent}/${target}`;
    } catch {
      // No link: it is missing itself.
      missing.unshift(name);
      present = parent;
    }
  }
}

/** ENOTDIR: what would be below a file is missing as well. */
function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ENOENT" || error.code === "ENOTDIR")
  );
}

/** @throws RequestError ERROR_FILE_TOO_LARGE */
export function checkSize({ largestFile }: Policy, bytes: bigint): void {
  if (bytes > largestFile) {
    throw new RequestError(
      Status.fileTooLarge,
      `${bytes} bytes are more than the ${largestFile} of the configuration`,
    );
  }
}
