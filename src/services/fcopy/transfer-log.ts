// Tells about transfers: the journal, `systemctl status`, and the report for
// `hvguest fcopy status`. Looks at the clock only while a file comes.

import { AfterThaw } from "../freeze-state.ts";
import type { ServiceContext } from "../service.ts";
import type { FileReceiver, Transfer } from "./file-receiver.ts";
import {
  type EndedTransfer,
  type FcopyReport,
  rememberedTransfers,
  writeReport,
} from "./transfer-report.ts";

const tickMilliseconds = 1000;
const longestTickMilliseconds = 60_000;
/** Bytes after which the disk gets something to do, so that the last fsync is short. */
const flushBytes = 64 * 1024 * 1024;

interface Current {
  readonly transfer: Transfer;
  readonly receiver: Pick<FileReceiver, "received" | "flush">;
}

export class TransferLog {
  readonly #context: ServiceContext;
  #transport: FcopyReport["transport"] = null;
  #version: string | null = null;
  #current: Current | undefined;
  #last: EndedTransfer[] = [];
  #refused = 0;
  #lastRefusal: string | null = null;
  #timer: Timer | undefined;
  /** Writes the report; /run may be on a frozen file system. */
  readonly #reporting: AfterThaw;
  #reportFailed = false;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#reporting = new AfterThaw(context.freezeState, () => this.#writeReport());
  }

  connected(transport: NonNullable<FcopyReport["transport"]>, version: string | undefined): void {
    this.#transport = transport;
    this.#version = version ?? null;
    this.#changed();
  }

  disconnected(): void {
    this.#transport = null;
    this.#version = null;
    this.#changed();
  }

  started(transfer: Transfer, receiver: Current["receiver"]): void {
    this.#current = { transfer, receiver };
    this.#context.log.info(`receiving '${transfer.path}', ${transfer.size} bytes`);
    this.#changed();
    this.#tick(tickMilliseconds, 0, 0);
  }

  ended(transfer: Transfer, received: number, failure: string | undefined): void {
    clearTimeout(this.#timer);
    this.#current = undefined;
    const seconds = Math.round(performance.now() - transfer.started) / 1000;
    const { log } = this.#context;
    if (failure === undefined) {
      log.notice(`received '${transfer.path}', ${received} bytes in ${seconds} s`);
    } else {
      log.notice(
        `dropped '${transfer.path}' after ${received} of ${transfer.size} bytes: ${failure}`,
      );
    }
    const ended = {
      path: transfer.path,
      bytes: received,
      ended: new Date().toISOString(),
      seconds,
    };
    this.#last = [failure === undefined ? ended : { ...ended, failure }, ...this.#last].slice(
      0,
      rememberedTransfers,
    );
    this.#changed();
  }

  refused(text: string): void {
    this.#refused += 1;
    this.#lastRefusal = text;
    this.#changed();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** One line for `systemctl status`. */
  status(): string {
    const current = this.#current;
    if (current === undefined) {
      const received = this.#last.filter(({ failure }) => failure === undefined).length;
      return `registered, ${received} of the last ${this.#last.length} files received`;
    }
    const { path, size } = current.transfer;
    const { received } = current.receiver;
    const percent = size === 0 ? 100 : Math.floor((received / size) * 100);
    const rate = (bytesPerSecond(current) / 1e6).toFixed(1);
    return `receiving '${path}', ${received} of ${size} bytes (${percent} %), ${rate} MB/s`;
  }

  #report(): FcopyReport {
    const current = this.#current;
    return {
      pid: process.pid,
      transport: this.#transport,
      version: this.#version,
      transfer:
        current === undefined
          ? null
          : {
              path: current.transfer.path,
              size: current.transfer.size,
              received: current.receiver.received,
              bytes_per_second: Math.round(bytesPerSecond(current)),
              leftover: current.transfer.leftover,
            },
      last: this.#last,
      refused: this.#refused,
      last_refusal: this.#lastRefusal,
    };
  }

  #changed(): void {
    this.#context.statusChanged();
    this.#reporting.run();
  }

  #writeReport(): void {
    const { paths, log } = this.#context;
    try {
      writeReport(paths, this.#report());
      this.#reportFailed = false;
    } catch (error) {
      if (!this.#reportFailed) {
        const reason = error instanceof Error ? error.message : String(error);
        log.warning(`${reason}, ignoring`);
      }
      this.#reportFailed = true;
    }
  }

  /** Looks again after a while: longer and longer while nothing comes. */
  #tick(milliseconds: number, received: number, flushed: number): void {
    this.#timer = setTimeout(() => {
      const current = this.#current;
      if (current === undefined) {
        return;
      }
      const now = current.receiver.received;
      const isStill = now === received;
      if (!isStill) {
        this.#changed();
      }
      const next = isStill ? Math.min(milliseconds * 2, longestTickMilliseconds) : tickMilliseconds;
      if (now - flushed < flushBytes) {
        this.#tick(next, now, flushed);
        return;
      }
      const again = () => {
        if (this.#current === current) {
          this.#tick(next, now, now);
        }
      };
      // The file keeps a failure, and fails with it at its end.
      current.receiver.flush().then(again, again);
    }, milliseconds);
  }
}

function bytesPerSecond({ transfer, receiver }: Current): number {
  const seconds = (performance.now() - transfer.started) / 1000;
  return seconds > 0 ? receiver.received / seconds : 0;
}
