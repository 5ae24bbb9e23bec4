// The character device of an integration service, with the rules of
// drivers/hv/hv_utils_transport.c: one opener, one message outstanding, one read one
// message, one write one message.

import type { DeviceFile, PendingRead } from "./fuse-directory.ts";
import { Errno, PollEvent } from "./fuse-wire.ts";

/** The service behind the device. */
export interface Driver {
  /** The daemon wrote `message`; 0 or the errno that its write fails with. */
  onMessage(message: Buffer): number;
  /** The daemon closed the device. */
  onReset(): void;
}

/** What a test may wait for. */
export type TransportEvent = "open" | "busy" | "read" | "write" | "release";

export class Transport implements DeviceFile {
  driver: Driver | undefined;
  #state: "free" | "open" | "destroyed" = "free";
  #outgoing: { readonly message: Buffer; readonly onRead: (() => void) | undefined } | undefined;
  #reads: PendingRead[] = [];
  #wake: (() => void) | undefined;
  readonly #readFaults: number[] = [];
  readonly #waiters: { readonly event: TransportEvent; readonly resolve: () => void }[] = [];
  /** How many messages were written by the daemon and refused, by errno. */
  readonly refused: number[] = [];

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** A message waits for the daemon to read it. */
  get hasMessage(): boolean {
    return this.#outgoing !== undefined;
  }

  /** Resolves at the next event of this kind. */
  next(event: TransportEvent): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push({ event, resolve });
    });
  }

  /** The daemon's next reads fail with these errnos, one each, a message waiting or not. */
  failReads(...errnos: readonly number[]): void {
    this.#readFaults.push(...errnos);
  }

  /** hvutil_transport_send(): 0, EINVAL without a daemon, EFAULT when one message waits already. */
  send(message: Buffer, onRead?: () => void): number {
    if (this.#state !== "open") {
      return Errno.EINVAL;
    }
    if (this.#outgoing !== undefined) {
      return Errno.EFAULT;
    }
    this.#outgoing = { message, onRead };
    this.#serveReads();
    this.#notify();
    return 0;
  }

  /**
   * hvutil_transport_destroy(): the daemon is told, and the removal waits until it has
   * closed the device. Resolves then.
   */
  destroy(): Promise<void> {
    const wasOpen = this.#state === "open";
    this.#state = "destroyed";
    this.#serveReads();
    this.#notify();
    return wasOpen ? this.next("release") : Promise.resolve();
  }

  open(): number {
    switch (this.#state) {
      case "destroyed":
        return Errno.EBADF;
      case "open":
        this.#tell("busy");
        return Errno.EBUSY;
      case "free":
        this.#state = "open";
        this.#tell("open");
        return 0;
    }
  }

  release(): void {
    if (this.#state === "open") {
      this.#state = "free";
    }
    this.#outgoing = undefined;
    this.#wake = undefined;
    this.#reads = [];
    this.driver?.onReset();
    this.#tell("release");
  }

  read(request: PendingRead): void {
    this.#reads.push(request);
    this.#serveReads();
  }

  interrupt(unique: bigint): boolean {
    const request = this.#reads.find((read) => read.unique === unique);
    if (request === undefined) {
      return false;
    }
    this.#reads = this.#reads.filter((read) => read !== request);
    request.answer(Errno.EINTR);
    return true;
  }

  write(message: Buffer): number {
    const errno =
      this.#state === "destroyed" ? Errno.EBADF : (this.driver?.onMessage(message) ?? Errno.EINVAL);
    if (errno !== 0) {
      this.refused.push(errno);
    }
    this.#tell("write");
    return errno;
  }

  poll(wake: (() => void) | undefined): number {
    this.#wake = wake ?? this.#wake;
    if (this.#state === "destroyed") {
      return PollEvent.hangUp;
    }
    // Never POLLOUT: the driver does not report it.
    return this.#outgoing === undefined ? 0 : PollEvent.in;
  }

  #serveReads(): void {
    for (;;) {
      const request = this.#reads[0];
      if (request === undefined || !this.#answer(request)) {
        return;
      }
      this.#reads = this.#reads.filter((read) => read !== request);
    }
  }

  /** False while the read has to wait. */
  #answer(request: PendingRead): boolean {
    if (this.#state === "destroyed") {
      request.answer(Errno.EBADF);
      return true;
    }
    const fault = this.#readFaults.shift();
    if (fault !== undefined) {
      request.answer(fault);
      return true;
    }
    const outgoing = this.#outgoing;
    if (outgoing === undefined) {
      return false;
    }
    if (request.size < outgoing.message.length) {
      request.answer(Errno.EINVAL);
      return true;
    }
    this.#outgoing = undefined;
    request.answer(0, outgoing.message);
    outgoing.onRead?.();
    this.#tell("read");
    return true;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #tell(event: TransportEvent): void {
    const told = this.#waiters.filter((waiter) => waiter.event === event);
    for (const waiter of told) {
      this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
      waiter.resolve();
    }
  }
}
