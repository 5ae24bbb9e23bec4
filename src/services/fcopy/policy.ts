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

/** The directories of a policy by their real paths, as they are at the moment. */
export interface RealDirectories {
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

/**
 * Follows the symbolic links in the directories of a policy.
 * @throws RequestError when one cannot be looked at: it may lead anywhere.
 */
export async function realDirectories({ allowed, denied }: Policy): Promise<RealDirectories> {
  const realDenied = await Promise.all(denied.map(realPath));
  return {
    allowed: await Promise.all(allowed.map(realPath)),
    // A link that is replaced by a directory in the meantime stays denied.
    denied: [...denied.map((path) => normalize(path)), ...realDenied],
  };
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

/**
 * Checks a directory by its real path, without symbolic links.
 * @throws RequestError E_ACCESSDENIED
 */
export function checkDirectory({ allowed, denied }: RealDirectories, directory: string): void {
  const isBelow = (root: string) => {
    const base = root.replace(/\/+$/, "");
    return directory === base || directory.startsWith(`${base}/`) || base === "";
  };
  if (denied.some(isBelow)) {
    throw new RequestError(Status.accessDenied, `'${directory}' is a denied directory`);
  }
  if (allowed.length > 0 && !allowed.some(isBelow)) {
    throw new RequestError(Status.accessDenied, `'${directory}' is not an allowed directory`);
  }
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
