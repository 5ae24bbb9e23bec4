// The five pools as the host sees them, kept in memory and read again when another
// program has changed a file. What a pool file suffers never ends the service:
// it is reported once, and the rest is served.

import { native } from "../../native/binding.ts";
import { NativeError } from "../../native/native-error.ts";
import { type FileStamp, isSameStamp, isSettled, stampOf } from "./file-stamp.ts";
import { openForChange } from "./pool-access.ts";
import { PoolEditor } from "./pool-editor.ts";
import { largestFile, PoolFile } from "./pool-file.ts";
import { PoolImage, wholeRecords } from "./pool-image.ts";
import { poolCount, poolPath } from "./pool-names.ts";
import { PoolError, type PoolRecord } from "./pool-record.ts";
import { type NoticeKind, PoolNotices } from "./pool-notices.ts";
import { repairSize } from "./pool-repair.ts";
import type { PoolSnapshot } from "./prepared-items.ts";

/** How long a request of the host waits for another program to release a pool. */
const waitMilliseconds = 1000;
/** How long reads do not wait again for a program that holds a pool for ever. */
const impatienceMilliseconds = 10_000;
/**
 * A locked file that was changed since may be in the middle of a change. Longer
 * than the wait for its lock, which comes before the look.
 */
const busyMilliseconds = waitMilliseconds + 2000;
/** A partial record that is older was not left by a write that is still going on. */
const abandonedMilliseconds = 2000;

interface Cached {
  readonly image: PoolImage;
  readonly stamp: FileStamp;
  /** Every later change shows in the stamp. */
  readonly isSettled: boolean;
}

interface Pool {
  readonly path: string;
  readonly notices: PoolNotices;
  cached: Cached | undefined;
  /** Reads do not wait for the lock before (performance.now()). */
  impatientUntil: number;
}

/** Reads and changes the pools for the host. */
export class PoolStore {
  readonly #pools: readonly Pool[];
  readonly #isFrozen: () => boolean;

  /** While `isFrozen` says so, reading neither makes nor repairs a file: it would not return. */
  constructor(
    directory: string,
    onNotice: (text: string) => void,
    isFrozen: () => boolean = () => false,
  ) {
    this.#isFrozen = isFrozen;
    this.#pools = Array.from({ length: poolCount }, (_, number) => ({
      path: poolPath(directory, number),
      notices: new PoolNotices(poolPath(directory, number), onNotice),
      cached: undefined,
      impatientUntil: 0,
    }));
  }

  /**
   * Makes the directory (0755) and the missing files (0644), and repairs sizes.
   * Never throws for the state of a file: it is reported.
   */
  open(): void {
    for (const pool of this.#pools) {
      this.#attempt(pool, "read", () => {
        this.#make(pool);
        this.#load(pool, 0);
      });
    }
  }

  /**
   * A record for the host's enumeration: each distinct key once, in the order of
   * the file, with the value of its last record. Undefined past the end, and for
   * a pool that cannot be read.
   */
  record(pool: number, index: number): PoolRecord | undefined {
    return this.#image(pool)?.record(index);
  }

  /**
   * The pool and the state of its file while which it stays so; undefined when a
   * change might not show in the file's state.
   */
  snapshot(number: number): PoolSnapshot | undefined {
    const image = this.#image(number);
    const pool = this.#pools[number];
    const cached = pool?.cached;
    if (pool === undefined || image === undefined || cached?.isSettled !== true) {
      return undefined;
    }
    return {
      file: { path: pool.path, ...cached.stamp },
      record: (index) => cached.image.record(index),
    };
  }

  /** The value of a key, undefined when it is not there. */
  get(pool: number, key: string): string | undefined {
    const image = this.#image(pool);
    const entry = image?.entry(key);
    return entry && image?.decode(entry).value;
  }

  /**
   * Changes or adds a key. The new value is in the file when this returns, and
   * survives the end of this process; the disk gets it when the kernel writes it.
   * @throws PoolError for what no record holds and for a pool that another program
   * holds; NativeError, ENOSPC among them. The pool is as before then.
   */
  set(pool: number, key: string, value: string): void {
    this.#change(pool, (editor) => {
      editor.set(key, value);
    });
  }

  /** Deletes a key; false when it is not there. @throws as {@link set} */
  delete(pool: number, key: string): boolean {
    return this.#change(pool, (editor) => editor.delete([key]).length > 0);
  }

  #image(number: number): PoolImage | undefined {
    const pool = this.#pools[number];
    return pool && this.#attempt(pool, "read", () => this.#current(pool));
  }

  #current(pool: Pool): PoolImage {
    const stamp = stampOf(pool.path);
    const { cached } = pool;
    if (stamp === undefined) {
      if (!this.#isFrozen()) {
        this.#make(pool);
        pool.notices.report("file", "was gone, made again");
      }
    } else if (cached?.isSettled === true && isSameStamp(cached.stamp, stamp)) {
      return cached.image;
    } else {
      pool.notices.settle("file");
    }
    return this.#load(pool);
  }

  #load(pool: Pool, abandonedAfter = abandonedMilliseconds): PoolImage {
    const wait = performance.now() < pool.impatientUntil ? 0 : waitMilliseconds;
    const { stamp, image } = this.#readShared(pool, wait);
    if (!isPartial(stamp, abandonedAfter) || this.#isFrozen()) {
      return image;
    }
    // The next append of a program that trusts the size would be misplaced.
    const repaired = this.#attempt(pool, "size", () => {
      using file = PoolFile.open(pool.path, "change", wait);
      return this.#read(pool, file, this.#repaired(pool, file)).image;
    });
    return repaired ?? image;
  }

  #readShared(pool: Pool, wait: number): Cached {
    using file = PoolFile.open(pool.path, "read", wait);
    if (file.isLocked) {
      pool.notices.settle("lock");
    } else {
      pool.impatientUntil = performance.now() + impatienceMilliseconds;
      pool.notices.report("lock", "is locked by another program, reading without a lock");
      if (pool.cached !== undefined && isBusy(file.opened)) {
        return pool.cached;
      }
    }
    return this.#read(pool, file, file.opened);
  }

  /** `stamp` is the state of the file now. */
  #read(pool: Pool, file: PoolFile, stamp: FileStamp): Cached {
    const { cached } = pool;
    if (cached?.isSettled === true && isSameStamp(cached.stamp, stamp)) {
      return cached;
    }
    const time = native().fileTime();
    const bytes = file.read();
    const image = cached?.image.equals(bytes) === true ? cached.image : new PoolImage(bytes);
    const settled = isSettled(stamp, time) && isSameStamp(stamp, file.stamp());
    const read = { image, stamp, isSettled: settled };
    pool.cached = read;
    if (image !== cached?.image) {
      pool.notices.reportContent(image, Number(stamp.size));
    }
    pool.notices.settle("read");
    return read;
  }

  #change<T>(number: number, change: (editor: PoolEditor) => T): T {
    const pool = this.#pools[number];
    if (pool === undefined) {
      throw new PoolError(`there is no pool ${number}`);
    }
    using file = openForChange(pool.path, waitMilliseconds);
    const known = this.#read(pool, file, this.#repaired(pool, file));
    const editor = new PoolEditor(file, known.image);
    // Until the change is whole, nothing is known of the file.
    pool.cached = undefined;
    const result = change(editor);
    pool.cached = editor.isChanged ? changed(file, editor.image) : known;
    return result;
  }

  /** Repairs the size of the file, and returns its state then. */
  #repaired(pool: Pool, file: PoolFile): FileStamp {
    const copy = repairSize(file);
    if (copy === undefined) {
      return file.opened;
    }
    pool.notices.report("size", `ended in a partial record, cut off; the original is '${copy}'`);
    return file.stamp();
  }

  #make(pool: Pool): void {
    if (stampOf(pool.path) === undefined) {
      openForChange(pool.path, 0)[Symbol.dispose]();
    }
  }

  /** Reports what the kernel or the file refuses; anything else is a bug and goes on. */
  #attempt<T>(pool: Pool, kind: NoticeKind, act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      if (error instanceof NativeError || error instanceof PoolError) {
        pool.notices.reportFailure(kind, error.message);
        return undefined;
      }
      throw error;
    }
  }
}

function changed(file: PoolFile, image: PoolImage): Cached {
  const mark = file.mark();
  // Another size is the doing of a program that does not lock.
  const isSettled = mark?.size === BigInt(image.bytes.length);
  return { image, stamp: mark ?? file.stamp(), isSettled };
}

function isBusy(stamp: FileStamp): boolean {
  return !isSettled(stamp, native().fileTime() - busyMilliseconds);
}

/** Whether a file ends in a partial record, since at least so many milliseconds. */
function isPartial(stamp: FileStamp, milliseconds: number): boolean {
  const size = Number(stamp.size);
  const changed = Number(stamp.changed / 1_000_000n);
  const isOld = Math.abs(Date.now() - changed) >= milliseconds;
  return isOld && size !== wholeRecords(size) && size <= largestFile;
}
