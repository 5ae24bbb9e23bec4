// Messages that a native thread has delivered and nobody has asked for yet.

import { ChannelClosed } from "./channel.ts";

interface Waiter {
  readonly resolve: (message: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** Hands messages over in order, then the end. One receiver at a time. */
export class MessageQueue {
  readonly #messages: Uint8Array[] = [];
  #waiter: Waiter | undefined;
  #end: Error | undefined;
  readonly #ended = new AbortController();

  /** Aborted by {@link end}. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  put(message: Uint8Array): void {
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#messages.push(message);
      return;
    }
    this.#waiter = undefined;
    waiter.resolve(message);
  }

  /** No message follows; the first reason given stays. */
  end(reason: Error): void {
    this.#end ??= reason;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(this.#end);
    this.#ended.abort(this.#end);
  }

  /** The next message. @throws the reason of {@link end}, or ChannelClosed on abort. */
  take(signal: AbortSignal): Promise<Uint8Array> {
    const message = this.#messages.shift();
    if (message !== undefined) {
      return Promise.resolve(message);
    }
    if (this.#end !== undefined) {
      return Promise.reject(this.#end);
    }
    if (signal.aborted) {
      return Promise.reject(new ChannelClosed("stopped"));
    }
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiter = undefined;
        reject(new ChannelClosed("stopped"));
      };
      signal.addEventListener("abort", abort, { once: true });
      const settled = () => signal.removeEventListener("abort", abort);
      this.#waiter = {
        resolve: (received) => {
          settled();
          resolve(received);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
    });
  }
}
