// Whether our own backup service has frozen file systems. Who writes files asks
// first: a write to a frozen file system lasts until the thaw, and on the JavaScript
// thread it would stop the whole agent, which then could not receive the thaw.

/** Shared by the services of the process. */
export class FreezeState {
  #thawed: PromiseWithResolvers<void> | undefined;

  get frozen(): boolean {
    return this.#thawed !== undefined;
  }

  /** To be called before the first file system is frozen. */
  freeze(): void {
    this.#thawed ??= Promise.withResolvers();
  }

  /** To be called after the last file system is thawed. */
  thaw(): void {
    this.#thawed?.resolve();
    this.#thawed = undefined;
  }

  /** Resolves when nothing is frozen. */
  async whenThawed(): Promise<void> {
    while (this.#thawed !== undefined) {
      await this.#thawed.promise;
    }
  }
}
