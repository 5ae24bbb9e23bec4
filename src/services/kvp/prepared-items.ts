// Answers to the enumerations that are likely to follow. The channel sends them by
// itself, while what they were made from is unchanged: hosts enumerate all items of
// a pool again and again.

import { KvpPool } from "../../protocol/kvp/messages.ts";
import type { KvpRequest } from "../../protocol/kvp/request.ts";
import { encodeFailure, encodeReply, enumerateMessage } from "../../protocol/kvp/session.ts";
import { Status } from "../../protocol/status.ts";
import type { FileState, PreparedAnswer } from "../../native/binding.ts";
import type { PreparedAnswers } from "../../transport/channel.ts";
import { intrinsicItem, type IntrinsicSources } from "./intrinsics.ts";

interface Item {
  readonly key: string;
  readonly value: string;
}

/** A pool as it is while its file has not changed. */
export interface PoolSnapshot {
  readonly file: FileState;
  record(index: number): Item | undefined;
}

export interface PreparedItemsOptions {
  readonly answers: PreparedAnswers;
  readonly sources: IntrinsicSources;
  /** Undefined while a change of the pool might go unnoticed. */
  readonly snapshot: (pool: number) => PoolSnapshot | undefined;
  /** Whether every change of the sources leads to {@link PreparedAnswers.forget}. */
  readonly isWatched: (key: string) => boolean;
}

/** Records that are prepared at once. */
const ahead = 64;
/** Records that are prepared with the answer to a change, which waits for them. */
const aheadOfChange = 4;

/** What was prepared last. */
interface Batch {
  readonly pool: number;
  readonly file: FileState;
  readonly first: number;
  readonly end: number;
}

/** Prepares what follows a request that had no prepared answer. */
export class PreparedItems {
  readonly #options: PreparedItemsOptions;
  #batch: Batch | undefined;

  constructor(options: PreparedItemsOptions) {
    this.#options = options;
  }

  /** To be called when the answer has been sent. */
  after(request: KvpRequest): void {
    if (request.operation !== "enumerate") {
      return;
    }
    if (request.pool === KvpPool.auto) {
      this.#prepareIntrinsic(request.index);
    } else {
      this.#prepareRecords(request.pool, request.index, ahead);
    }
  }

  /**
   * To be called before the answer to a change is sent: a host that has changed a
   * key looks at the pool at once.
   */
  afterChange(request: KvpRequest): void {
    const isChange = request.operation === "set" || request.operation === "delete";
    // What a host writes into the file of the pool AUTO is no intrinsic item.
    if (isChange && request.pool !== KvpPool.auto) {
      this.#prepareRecords(request.pool, 0, aheadOfChange);
    }
  }

  #prepareIntrinsic(index: number): void {
    const { answers, sources, isWatched } = this.#options;
    const item = intrinsicItem(index, sources);
    if (item === undefined || isWatched(item.key)) {
      answers.add([preparedAnswer(KvpPool.auto, index, item)]);
    }
  }

  #prepareRecords(pool: number, first: number, most: number): void {
    const snapshot = this.#options.snapshot(pool);
    if (snapshot === undefined || this.#isPrepared(pool, first, snapshot.file)) {
      return;
    }
    const prepared: PreparedAnswer[] = [];
    for (let index = first; index < first + most; index += 1) {
      const item = snapshot.record(index);
      prepared.push(preparedAnswer(pool, index, item));
      if (item === undefined) {
        break;
      }
    }
    this.#options.answers.add(prepared, snapshot.file);
    this.#batch = { pool, file: snapshot.file, first, end: first + prepared.length };
  }

  /**
   * Whether this was prepared while its request was already on the way here. True
   * once a batch: asked for again, its answer has been forgotten.
   */
  #isPrepared(pool: number, index: number, file: FileState): boolean {
    const batch = this.#batch;
    this.#batch = undefined;
    return (
      batch?.pool === pool &&
      index >= batch.first &&
      index < batch.end &&
      batch.file.changed === file.changed &&
      batch.file.modified === file.modified &&
      batch.file.size === file.size &&
      batch.file.inode === file.inode
    );
  }
}

function preparedAnswer(pool: number, index: number, item: Item | undefined): PreparedAnswer {
  const answer =
    item === undefined ? encodeFailure(Status.noMoreItems) : encodeReply({ kind: "item", ...item });
  return { request: enumerateMessage(pool, index), answer };
}
