// Work on files, one piece after the other, that nobody waits for too long: on a
// frozen file system it does not end before the thaw, and the host has given up then.

import { ChannelClosed } from "../../transport/channel.ts";
import { RequestError, Status } from "../../protocol/status.ts";

/** Runs pieces of work in turn. */
export class Patience {
  readonly #milliseconds: number;
  /** Settles when all work given so far is done; never rejects. */
  #done: Promise<unknown> = Promise.resolve();
  /** Pieces of work that are not done. */
  #pending = 0;

  constructor(seconds: number) {
    this.#milliseconds = seconds * 1000;
  }

  /**
   * Runs `work` after all work before it. `awaited` is aborted when nobody waits
   * for it any more: what has not been done by then should not be.
   * @throws RequestError when that takes too long; the work goes on by itself.
   * @throws ChannelClosed when `signal` is aborted first.
   */
  async run(work: (awaited: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const unawaited = new AbortController();
    const stopped = Promise.withResolvers<never>();
    const late = setTimeout(() => {
      const seconds = this.#milliseconds / 1000;
      const text = `the file system has not answered for ${seconds} s; is it frozen?`;
      stopped.reject(new RequestError(Status.fail, text));
    }, this.#milliseconds);
    const abort = () => stopped.reject(new ChannelClosed("stopped"));
    signal.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([this.#add(() => work(unawaited.signal)), stopped.promise]);
    } finally {
      unawaited.abort();
      clearTimeout(late);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Runs `work` after all work before it, and does not tell how it went. */
  queue(work: () => Promise<void>): void {
    this.#add(work).catch(() => undefined);
  }

  /** Resolves when all work is done, or is not done in time. */
  async settled(): Promise<void> {
    if (this.#pending === 0) {
      return;
    }
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, 1000);
    await Promise.race([this.#done, late.promise]);
    clearTimeout(timer);
  }

  #add(work: () => Promise<void>): Promise<void> {
    this.#pending += 1;
    const result = this.#done.then(work).finally(() => {
      this.#pending -= 1;
    });
    this.#done = result.catch(() => undefined);
    return result;
  }
}
