// Thaws what an agent has left frozen that died together with its guard.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import type { Log } from "../../log.ts";
import { type NativeFreezeEvent, type NativeFreezeMarker, native } from "../../native/binding.ts";
import { callNative, errnoText, NativeError } from "../../native/native-error.ts";
import { markerText, parseMarker } from "./freezer.ts";

const { EAGAIN, ENOENT, ENOTDIR } = constants.errno;

/** What a thaw by paths has done; what was not frozen is in neither list. */
export interface ThawedPaths {
  readonly thawed: readonly string[];
  readonly failures: NativeFreezeEvent["failures"];
}

const nothing: ThawedPaths = { thawed: [], failures: [] };

/**
 * Thaws everything that the marker names, unless the process that wrote it or its
 * guard is alive. A file system that is not frozen, or whose mount point is gone, is no
 * failure. What fails stays in the marker, for the next one who tries.
 * @throws NativeError when the marker cannot be used
 */
export async function thawLeftBehind(markerPath: string, log: Log): Promise<ThawedPaths> {
  if (isEmpty(markerPath)) {
    return nothing;
  }
  const marker = lock(markerPath);
  if (marker === undefined) {
    log.notice("another process has frozen file systems, leaving them to it");
    return nothing;
  }
  try {
    const mountPoints = parseMarker(callNative(() => marker.read()));
    if (mountPoints.length === 0) {
      return nothing;
    }
    const { thawed, failures: all } = await thawPaths(mountPoints);
    // No path leads to it any more: nobody could ever thaw it.
    const failures = all.filter(({ errno }) => errno !== ENOENT && errno !== ENOTDIR);
    if (thawed.length > 0) {
      log.warning(`a process that ended had left file systems frozen, thawed ${thawed.join(", ")}`);
    }
    for (const { path, errno } of failures) {
      log.error(`thaw '${path}', which may have been left frozen: ${errnoText(errno)}`);
    }
    if (failures.length === 0) {
      callNative(() => marker.clear());
    } else {
      keep(
        markerPath,
        failures.map(({ path }) => path),
        log,
      );
    }
    return { thawed, failures };
  } finally {
    marker.close();
  }
}

/** Leaves these mount points in the marker, which is locked. */
function keep(markerPath: string, mountPoints: readonly string[], log: Log): void {
  try {
    writeFileSync(markerPath, markerText(mountPoints));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`keep what is left frozen in '${markerPath}': ${reason}`);
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
    if (error instanceof NativeError && error.errno === EAGAIN) {
      return undefined;
    }
    throw error;
  }
}

/** Thaws by path, in threads of the native module. */
export function thawPaths(paths: readonly string[]): Promise<ThawedPaths> {
  return new Promise((resolve) => {
    callNative(() =>
      native().thawPaths(paths, ({ failures, lost }) => {
        const others = new Set([...lost, ...failures.map(({ path }) => path)]);
        resolve({ thawed: paths.filter((path) => !others.has(path)), failures });
      }),
    );
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
