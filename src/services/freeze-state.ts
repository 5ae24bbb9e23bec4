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

  /** Resolves to true when nothing is frozen, or to false after `seconds`. */
  async isThawedWithin(seconds: number): Promise<boolean> {
    const late = Promise.withResolvers<false>();
    const timer = setTimeout(() => late.resolve(false), seconds * 1000);
    const isThawed = await Promise.race([this.whenThawed().then(() => true), late.promise]);
    clearTimeout(timer);
    return isThawed;
  }

  /** Resolves when nothing is frozen. */
  async whenThawed(): Promise<void> {
    while (this.#thawed !== undefined) {
      await this.#thawed.promise;
    }
  }
}

/**
 * Something that writes to a file system: done at once, or after the thaw, and then
 * once however often it was asked for.
 */
export class AfterThaw {
  readonly #freezeState: FreezeState;
  readonly #act: () => void;
  #isWaiting = false;

  constructor(freezeState: FreezeState, act: () => void) {
    this.#freezeState = freezeState;
    this.#act = act;
  }

  run(): void {
    if (!this.#freezeState.frozen) {
      this.#act();
    } else if (!this.#isWaiting) {
      this.#isWaiting = true;
      void this.#freezeState.whenThawed().then(() => {
        this.#isWaiting = false;
        this.run();
      });
    }
  }
}
