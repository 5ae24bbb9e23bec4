// Changes of one pool, made in the file and followed in memory.

import { constants } from "node:os";
import { NativeError } from "../../native/native-error.ts";
import { largestFile } from "./pool-file.ts";
import type { PoolEntry, PoolImage } from "./pool-image.ts";
import {
  encodeRecord,
  keyIdOf,
  recordBytes,
  type RecordLimits,
  wireLimits,
} from "./pool-record.ts";
import { addRecord, type RecordFile, removeRecords, replaceRecords } from "./pool-writes.ts";

/**
 * Changes an exclusively held pool file. After a method has thrown, the image may
 * differ from the file and the editor is of no more use.
 */
export class PoolEditor {
  readonly #file: RecordFile;
  readonly #limits: RecordLimits;
  #image: PoolImage;
  #isChanged = false;

  /** `image` is the content of the file, whose size is a whole number of records. */
  constructor(file: RecordFile, image: PoolImage, limits = wireLimits) {
    this.#file = file;
    this.#image = image;
    this.#limits = limits;
  }

  /** Whether the file was written. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  get image(): PoolImage {
    return this.#image;
  }

  /**
   * Changes the value of a key, or adds it at the end.
   * @throws PoolError for a key or value that no record holds; NativeError, with
   * ENOSPC also when the pool has its largest size.
   */
  set(key: string, value: string): void {
    const record = encodeRecord(key, value, this.#limits);
    const entry = this.#image.entry(key);
    if (entry === undefined) {
      this.#add(record);
      return;
    }
    this.#isChanged = true;
    replaceRecords(this.#file, this.#image.bytes, entry.slots, record);
    this.#image.replaced(entry, record);
  }

  /** Adds a record without looking for its key, as cloud-init does. @throws as {@link set} */
  append(key: string, value: string): void {
    this.#add(encodeRecord(key, value, this.#limits));
  }

  /** Deletes all records with these keys; returns the keys that were there. @throws NativeError */
  delete(keys: readonly string[]): string[] {
    const found = [...new Set(keys)].filter((key) => this.#image.entry(key) !== undefined);
    this.#remove(found.flatMap((key) => this.#image.entry(key) ?? []));
    return found;
  }

  /** Deletes the records of all other keys. @throws NativeError */
  keepOnly(keys: readonly string[]): void {
    const kept = new Set(keys.map(keyIdOf));
    this.#remove(this.#image.entries.filter(({ id }) => !kept.has(id)));
  }

  #remove(entries: readonly PoolEntry[]): void {
    const slots = entries.flatMap((entry) => entry.slots);
    if (slots.length > 0) {
      this.#isChanged = true;
      removeRecords(this.#file, this.#image.bytes, slots);
      this.#image = this.#image.without(new Set(slots));
    }
  }

  #add(record: Uint8Array): void {
    const { end, count } = this.#image;
    if ((end + 1) * recordBytes > largestFile) {
      throw new NativeError(`add a record to '${this.#file.path}'`, constants.errno.ENOSPC);
    }
    this.#isChanged = true;
    addRecord(this.#file, end, count, record);
    this.#image.appended(record);
  }
}
