// What the drivers of the three integration services have in common: registration,
// one request at a time, a timer that a test lets run out.

import { Errno } from "./fuse-wire.ts";
import { type Outcome, Transaction } from "./transaction.ts";
import { type Driver, Transport } from "./transport.ts";

/** Rules that older kernels had otherwise. */
export interface KernelGeneration {
  /** Linux 4.4: the service is ready when the daemon has written its registration. */
  readonly readyAtWrite: boolean;
}

export const currentKernel: KernelGeneration = { readyAtWrite: false };

export abstract class ServiceDriver implements Driver {
  /** The name under /dev/vmbus. */
  abstract readonly device: string;
  readonly transport = new Transport();
  readonly #transaction = new Transaction();
  readonly #generation: KernelGeneration;
  #ready = false;
  #readyWaiters: (() => void)[] = [];
  /** What the daemon wrote to register, the last one last. */
  readonly registrations: Buffer[] = [];
  /** Called when a reply comes, before it is looked at: a test may end the request first. */
  beforeReply: (() => void) | undefined;

  constructor(generation: KernelGeneration = currentKernel) {
    this.#generation = generation;
    this.transport.driver = this;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Resolves when a daemon is registered. */
  ready(): Promise<void> {
    if (this.#ready) {
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#readyWaiters.push(resolve);
    });
  }

  abstract onMessage(message: Buffer): number;

  onReset(): void {
    this.#ready = false;
    this.#transaction.end({ kind: "reset" });
  }

  /** Gives a message to the daemon once one is registered, and waits for its reply. */
  async request(message: Buffer): Promise<Outcome> {
    // Without a turn of the event loop when it can go at once.
    if (!this.#ready) {
      await this.ready();
    }
    const outcome = this.#transaction.begin();
    const errno = this.transport.send(message);
    if (errno !== 0) {
      this.#transaction.end({ kind: "unsent", errno });
    }
    return outcome;
  }

  /** The driver's timer: the host is told HV_E_FAIL, and a reply would be late. */
  expire(): void {
    this.#transaction.end({ kind: "timeout" });
  }

  get hasRequest(): boolean {
    return this.#transaction.isOpen;
  }

  /** 0, or EINVAL for a reply that nobody waits for. */
  protected acceptReply(message: Buffer): number {
    this.beforeReply?.();
    return this.#transaction.end({ kind: "reply", message }) ? 0 : Errno.EINVAL;
  }

  /** Answers a registration; the service is ready when the daemon has read the answer. */
  protected acceptRegistration(registration: Buffer, answer: Buffer | undefined): number {
    this.registrations.push(registration);
    if (answer === undefined || this.#generation.readyAtWrite) {
      this.#becomeReady();
    }
    if (answer === undefined) {
      return 0;
    }
    return this.transport.send(answer, () => this.#becomeReady());
  }

  #becomeReady(): void {
    this.#ready = true;
    const waiters = this.#readyWaiters;
    this.#readyWaiters = [];
    for (const resolve of waiters) {
      resolve();
    }
  }
}
