// What the configuration lets a host do.

import { RequestError, Status } from "../../protocol/status.ts";

export interface Policy {
  /** Absolute; empty for everywhere. */
  readonly allowed: readonly string[];
  /** Absolute; stronger than allowed. */
  readonly denied: readonly string[];
  /** Bytes. */
  readonly largestFile: bigint;
}

/**
 * Checks a directory by its real path, without symbolic links.
 * @throws RequestError E_ACCESSDENIED
 */
export function checkDirectory({ allowed, denied }: Policy, directory: string): void {
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
