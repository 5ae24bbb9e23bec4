// Thaws what an agent has left frozen that died together with its guard.

import { readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import type { Log } from "../../log.ts";
import { type NativeFreezeEvent, type NativeFreezeMarker, native } from "../../native/binding.ts";
import { callNative, errnoText, NativeError } from "../../native/native-error.ts";
import { parseMarker } from "./freezer.ts";

/**
 * Thaws everything that the marker names, unless the process that wrote it or its
 * guard is alive. A file system that is not frozen is no failure.
 * @throws NativeError when the marker cannot be used
 */
export async function thawLeftBehind(markerPath: string, log: Log): Promise<void> {
  if (isEmpty(markerPath)) {
    return;
  }
  const marker = lock(markerPath);
  if (marker === undefined) {
    log.notice("another process has frozen file systems, leaving them to it");
    return;
  }
  try {
    const mountPoints = parseMarker(callNative(() => marker.read()));
    if (mountPoints.length === 0) {
      return;
    }
    const { failures, lost } = await thawPaths(mountPoints);
    const thawed = mountPoints.filter(
      (path) => !lost.includes(path) && !failures.some((failure) => failure.path === path),
    );
    if (thawed.length > 0) {
      log.warning(`a process that ended had left file systems frozen, thawed ${thawed.join(", ")}`);
    }
    for (const { path, errno } of failures) {
      log.error(`thaw '${path}', which may have been left frozen: ${errnoText(errno)}`);
    }
    callNative(() => marker.clear());
  } finally {
    marker.close();
  }
}

/** Without text, nothing is frozen; taking the lock would make a freeze fail that begins. */
function isEmpty(markerPath: string): boolean {
  return (statSync(markerPath, { throwIfNoEntry: false })?.size ?? 0) === 0;
}

/** Undefined while somebody else has the lock. */
function lock(markerPath: string): NativeFreezeMarker | undefined {
  try {
    return callNative(() => new (native().FreezeMarker)(markerPath));
  } catch (error) {
    if (error instanceof NativeError && error.errno === constants.errno.EAGAIN) {
      return undefined;
    }
    throw error;
  }
}

/** Thaws by path, in threads of the native module. */
export function thawPaths(paths: readonly string[]): Promise<NativeFreezeEvent> {
  return new Promise((resolve) => {
    callNative(() => native().thawPaths(paths, resolve));
  });
}

/** Whether somebody alive has file systems frozen, and which; empty when nobody has. */
export function frozenNow(markerPath: string): readonly string[] {
  if (isEmpty(markerPath)) {
    return [];
  }
  const marker = lock(markerPath);
  if (marker === undefined) {
    return parseMarker(readFileSync(markerPath, "utf8"));
  }
  marker.close();
  return [];
}
