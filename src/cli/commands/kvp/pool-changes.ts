// Sleeps until a pool file may have changed.

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { native, type NativeDirectoryWatch } from "../../../native/binding.ts";
import { callFile } from "../../../platform/file-call.ts";
import { callNative } from "../../../native/native-error.ts";

/**
 * Watches the directory of the pools, or, while it does not exist, the nearest one
 * above it. Nothing is polled, and no change after the constructor is missed.
 */
export class PoolChanges implements Disposable {
  readonly #directory: string;
  #watched: string | undefined;
  #watch: NativeDirectoryWatch | undefined;
  #pending = false;
  #wake: () => void = () => undefined;

  /** @throws NativeError when the kernel has no watch left. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#follow();
  }

  /** Resolves when something may have changed since the last call; false on abort. */
  async next(signal: AbortSignal): Promise<boolean> {
    const aborted = () => this.#wake();
    signal.addEventListener("abort", aborted);
    try {
      while (!this.#pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      signal.removeEventListener("abort", aborted);
    }
    this.#pending = false;
    this.#follow();
    return !signal.aborted;
  }

  [Symbol.dispose](): void {
    this.#watch?.close();
  }

  /** Moves on when the directory was made, removed or replaced. */
  #follow(): void {
    for (;;) {
      const nearest = nearestDirectory(this.#directory);
      if (nearest.identity === this.#watched) {
        return;
      }
      this.#watch?.close();
      this.#watch = callNative(
        () =>
          new (native().DirectoryWatch)(nearest.path, () => {
            this.#pending = true;
            this.#wake();
          }),
      );
      this.#watched = nearest.identity;
    }
  }
}

function nearestDirectory(path: string): { readonly path: string; readonly identity: string } {
  const stat = callFile(`stat '${path}'`, () => statSync(path, { throwIfNoEntry: false }));
  const above = dirname(path);
  return stat === undefined && above !== path
    ? nearestDirectory(above)
    : { path, identity: `${path} ${stat?.dev} ${stat?.ino}` };
}
