// The state of one connection: no file, or one file that is being received.

import { NativeError } from "../../native/native-error.ts";
import type { FcopyRequest, FcopyStart } from "../../protocol/fcopy/request.ts";
import type { DataLayout } from "../../protocol/fcopy/session.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import type { Diversion } from "../../transport/channel.ts";
import { ArrivingFile, type Ownership } from "./arriving-file.ts";
import { prepareDestination, removeDirectories, requestError } from "./destination.ts";
import { Extents } from "./extents.ts";
import { checkSize, type Policy } from "./policy.ts";

/** A transfer as others see it. */
export interface Transfer {
  readonly path: string;
  /** Where the file is while it has a hidden name. */
  readonly leftover: string;
  readonly size: number;
  /** performance.now() */
  readonly started: number;
}

export interface ReceiverOptions {
  readonly policy: () => Policy;
  readonly ownership: () => Ownership;
  /** Where messages can be written by the channel's thread. */
  readonly diversion: Diversion | undefined;
  readonly layout: DataLayout;
  readonly patienceMilliseconds: number;
  readonly onStarted: (transfer: Transfer) => void;
  /** The transfer is over: `failure` is why no file has come of it. */
  readonly onEnded: (transfer: Transfer, received: number, failure: string | undefined) => void;
}

interface Open extends Transfer {
  readonly file: ArrivingFile;
  readonly created: readonly string[];
  readonly extents: Extents;
}

/** Receives files, one at a time. One call at a time. */
export class FileReceiver {
  readonly #options: ReceiverOptions;
  #open: Open | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** Bytes of the file under way, as far as they have come. */
  get received(): number {
    const open = this.#open;
    return open === undefined
      ? 0
      : Math.max(open.extents.bytes, this.#options.diversion?.bytes() ?? 0);
  }

  /** Writes what has come to the disk; a failure fails the end of the file, too. */
  async flush(): Promise<void> {
    await this.#open?.file.flush();
  }

  /**
   * Does what the host asks, unless `awaited` is aborted: then nobody will know. The file
   * before is dropped by each START and cancel.
   * @throws RequestError with the status for the host.
   */
  async answer(request: FcopyRequest, awaited: AbortSignal): Promise<void> {
    // Also when it comes too late or cannot be done: data that the host sends all the same
    // do not belong to the file before.
    if (isStart(request)) {
      await this.abandon("the host began another file");
    } else if (request.operation === "cancel") {
      await this.abandon("the host cancelled it");
    }
    awaited.throwIfAborted();
    switch (request.operation) {
      case "start":
        await this.#start(request);
        if (awaited.aborted) {
          await this.abandon("the file system was too slow");
        }
        break;
      case "write":
        await this.#write(request.offset, request.data);
        break;
      case "complete":
        await this.#complete(awaited);
        break;
      case "cancel":
        break;
      case "refused":
        throw new RequestError(Status.fail, request.text);
    }
  }

  /** Drops the file under way, and everything that was made for it. */
  async abandon(reason: string): Promise<void> {
    const open = this.#take();
    if (open === undefined) {
      return;
    }
    const { received } = open;
    try {
      await open.transfer.file.discard();
      await removeDirectories(open.transfer.created);
    } finally {
      this.#options.onEnded(open.transfer, received, reason);
    }
  }

  async #start(request: FcopyStart): Promise<void> {
    const policy = this.#options.policy();
    checkSize(policy, request.fileSize);
    if (request.fileSize > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new RequestError(Status.diskFull, `no space for ${request.fileSize} bytes`);
    }
    const size = Number(request.fileSize);
    const destination = await prepareDestination(request, policy);
    const { created } = destination;
    let file: ArrivingFile;
    try {
      file = await ArrivingFile.create(destination, size);
    } catch (error) {
      await removeDirectories(created);
      throw error;
    }
    const started = performance.now();
    const { destination: path, leftover } = file;
    const extents = new Extents();
    this.#open = { file, created, extents, path, leftover, size, started };
    this.#options.diversion?.begin({
      ...this.#options.layout,
      file: file.path,
      fileBytes: size,
      patienceMilliseconds: this.#options.patienceMilliseconds,
    });
    this.#options.onStarted(this.#open);
  }

  async #write(offset: bigint, data: Uint8Array): Promise<void> {
    const { file, size, extents, path } = this.#needOpen();
    this.#checkDiverted(path);
    if (offset + BigInt(data.length) > BigInt(size)) {
      throw new RequestError(
        Status.fail,
        `${data.length} bytes at ${offset} are beyond the ${size} announced`,
      );
    }
    const position = Number(offset);
    await file.write(data, position);
    if (!extents.add(position, position + data.length)) {
      throw new RequestError(Status.fail, "the file comes in too many parts");
    }
  }

  async #complete(awaited: AbortSignal): Promise<void> {
    this.#needOpen();
    const diverted = this.#options.diversion?.failure() ?? 0;
    const open = this.#take();
    if (open === undefined) {
      return;
    }
    const { transfer, received } = open;
    let failure: unknown;
    try {
      if (diverted !== 0) {
        await transfer.file.discard();
        throw writeFailure(transfer.path, diverted);
      }
      if (!transfer.extents.cover(transfer.size)) {
        await transfer.file.discard();
        throw new RequestError(
          Status.fail,
          `'${transfer.path}': ${received} of ${transfer.size} bytes have come`,
        );
      }
      await transfer.file.place(this.#options.ownership(), awaited);
    } catch (error) {
      failure = error;
      await removeDirectories(transfer.created);
      throw error;
    } finally {
      this.#options.onEnded(
        transfer,
        received,
        failure === undefined ? undefined : textOf(failure),
      );
    }
  }

  /** Data that had been answered and then could not be written: the file is lost. */
  #checkDiverted(path: string): void {
    const errno = this.#options.diversion?.failure() ?? 0;
    if (errno !== 0) {
      throw writeFailure(path, errno);
    }
  }

  #needOpen(): Open {
    if (this.#open === undefined) {
      throw new RequestError(Status.fail, "no file is being received");
    }
    return this.#open;
  }

  /** Ends the diversion, and counts what it has written. */
  #take(): { readonly transfer: Open; readonly received: number } | undefined {
    const transfer = this.#open;
    if (transfer === undefined) {
      return undefined;
    }
    this.#open = undefined;
    const { diversion } = this.#options;
    transfer.extents.add(0, diversion?.bytes() ?? 0);
    diversion?.end();
    return { transfer, received: transfer.extents.bytes };
  }
}

function isStart(request: FcopyRequest): boolean {
  return request.operation === "start" || (request.operation === "refused" && request.isStart);
}

function writeFailure(path: string, errno: number): RequestError {
  const act = `write '${path}'`;
  return requestError(act, new NativeError(act, errno));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
