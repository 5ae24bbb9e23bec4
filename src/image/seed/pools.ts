// The pools in which a host leaves texts for the guest, read and waited for.

import { mkdirSync, watch } from "node:fs";
import { constants } from "node:os";
import { NativeError } from "../../native/native-error.ts";
import { PoolEditor } from "../../services/kvp/pool-editor.ts";
import { PoolFile } from "../../services/kvp/pool-file.ts";
import { PoolImage } from "../../services/kvp/pool-image.ts";
import { poolPath } from "../../services/kvp/pool-names.ts";
import type { SeedPool } from "./nocloud.ts";

/** What the host pushes to the guest (0), and what only the host writes (3). */
const seedPools = [0, 3] as const;

/** How long another program may hold a pool. */
const lockMilliseconds = 5000;

/** Pools that did not change for so long hold all that the host has to send. */
const quietMilliseconds = 1000;

/** The records of the pools; a missing file is an empty pool. @throws NativeError, PoolError */
export function readSeedPools(directory: string): SeedPool[] {
  return seedPools.map((number) => ({ number, records: readPool(poolPath(directory, number)) }));
}

/** Deletes keys of one pool. @throws NativeError, PoolError */
export function deleteKeys(directory: string, pool: number, keys: readonly string[]): void {
  using file = PoolFile.open(poolPath(directory, pool), "change", lockMilliseconds);
  new PoolEditor(file, new PoolImage(file.read())).delete(keys);
  file.sync();
}

/**
 * What `look` finds in the pools once it finds something and they have been quiet
 * for a second, or what it finds after `seconds`.
 */
export async function waitForSeed<T>(
  directory: string,
  seconds: number,
  signal: AbortSignal,
  look: (pools: readonly SeedPool[]) => T | undefined,
): Promise<T | undefined> {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const watcher = watch(directory);
  const end = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000)]);
  try {
    while (!end.aborted) {
      const changed = changeOf(watcher, end);
      if (found(directory, look) === undefined) {
        await changed;
      } else if (!(await within(changed, quietMilliseconds))) {
        break;
      }
    }
  } finally {
    watcher.close();
  }
  signal.throwIfAborted();
  return look(readSeedPools(directory));
}

/** A seed of which a part is still missing counts as none while there is time. */
function found<T>(
  directory: string,
  look: (pools: readonly SeedPool[]) => T | undefined,
): T | undefined {
  try {
    return look(readSeedPools(directory));
  } catch {
    // The last look, after the wait, tells what is wrong.
    return undefined;
  }
}

function readPool(path: string): Map<string, string> {
  let file: PoolFile;
  try {
    file = PoolFile.open(path, "read", lockMilliseconds);
  } catch (error) {
    if (error instanceof NativeError && error.errno === constants.errno.ENOENT) {
      return new Map();
    }
    throw error;
  }
  using opened = file;
  const image = new PoolImage(opened.read());
  return new Map(
    image.entries.map((entry) => {
      const { key, value } = image.decode(entry);
      return [key, value];
    }),
  );
}

/** Resolves at the next change in the folder, or when `end` is aborted. */
function changeOf(watcher: ReturnType<typeof watch>, end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      watcher.off("change", done);
      end.removeEventListener("abort", done);
      resolve();
    };
    watcher.on("change", done);
    end.addEventListener("abort", done);
  });
}

/** Whether `event` comes within the time. */
async function within(event: Promise<void>, milliseconds: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  void event.then(() => resolve(true));
  const came = await promise;
  clearTimeout(timer);
  return came;
}
