// While file systems are frozen a write does not return. A service that writes on the
// JavaScript thread would stop the whole agent, which then could not receive the
// thaw: it waits here first.

/** Closed while file systems are frozen. */
export class FreezeGate {
  #closed: PromiseWithResolvers<void> | undefined;

  close(): void {
    this.#closed ??= Promise.withResolvers<void>();
  }

  open(): void {
    this.#closed?.resolve();
    this.#closed = undefined;
  }

  /** Undefined while writes pass; else what to wait for before a write. */
  get opening(): Promise<void> | undefined {
    return this.#closed?.promise;
  }
}
