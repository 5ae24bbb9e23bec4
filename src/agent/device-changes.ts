// Lets services sleep until devices may have come or gone.

import { native } from "../native/binding.ts";
import { callNative } from "../native/native-error.ts";
import type { Paths } from "../platform/paths.ts";

/** Counts the changes of devices, so that none between a look and a wait is missed. */
export class DeviceChanges {
  #generation = 0;
  readonly #waiters = new Set<() => void>();
  readonly #watch: { close(): void };

  /** @throws NativeError when nothing can be watched. */
  constructor(paths: Paths) {
    const directories = [paths.dev, `${paths.dev}/vmbus`];
    this.#watch = callNative(
      () => new (native().DeviceWatch)(["vmbus", "/uio/"], directories, () => this.#changed()),
    );
  }

  /** To be taken before looking for a device, and given to {@link after}. */
  get generation(): number {
    return this.#generation;
  }

  /** Resolves at the first change after `generation`, or when `signal` is aborted. */
  after(generation: number, signal: AbortSignal): Promise<void> {
    if (this.#generation !== generation || signal.aborted) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const done = () => {
        this.#waiters.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiters.add(done);
      signal.addEventListener("abort", done, { once: true });
    });
  }

  close(): void {
    this.#watch.close();
  }

  #changed(): void {
    this.#generation += 1;
    for (const waiter of this.#waiters) {
      waiter();
    }
  }
}
