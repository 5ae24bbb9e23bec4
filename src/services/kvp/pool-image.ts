// The content of a pool file in memory, found by key and by position.

import {
  bufferOf,
  decodeKey,
  decodeValue,
  keyId,
  keyIdOf,
  type PoolRecord,
  recordBytes,
} from "./pool-record.ts";

/** All records with one key. */
export interface PoolEntry {
  readonly id: string;
  /** Where the records are, ascending; the last one counts. */
  readonly slots: number[];
  /** Decoded at the first use. */
  record: PoolRecord | undefined;
}

/**
 * Whole records of a pool file. Each distinct key is one entry, at the place of its
 * first record and with the value of its last, since other programs append a key
 * again instead of changing it. Records with an empty key are blank: a write that a
 * power cut ended, or garbage; they are no entry.
 */
export class PoolImage {
  #bytes: Buffer;
  #count: number;
  #lastUsed = -1;
  readonly #entries: PoolEntry[] = [];
  readonly #byKey = new Map<string, PoolEntry>();

  /** Keeps `bytes`; a partial record at the end is left out. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bufferOf(bytes);
    this.#count = Math.floor(bytes.length / recordBytes);
    for (let slot = 0; slot < this.#count; slot += 1) {
      this.#enter(slot);
    }
  }

  /** The whole records. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#count * recordBytes);
  }

  /** Records in the file, duplicates and blank ones included. */
  get count(): number {
    return this.#count;
  }

  /** The first slot behind the last record that is not blank. */
  get end(): number {
    return this.#lastUsed + 1;
  }

  /** Records with an empty key. */
  get blankCount(): number {
    return this.#entries.reduce((left, entry) => left - entry.slots.length, this.#count);
  }

  get entries(): readonly PoolEntry[] {
    return this.#entries;
  }

  entry(key: string): PoolEntry | undefined {
    return this.#byKey.get(keyIdOf(key));
  }

  /** The record at an index of the entries. */
  record(index: number): PoolRecord | undefined {
    const entry = this.#entries[index];
    return entry && this.decode(entry);
  }

  decode(entry: PoolEntry): PoolRecord {
    entry.record ??= this.#decodeSlots(entry.slots);
    return entry.record;
  }

  at(slot: number): Uint8Array {
    return this.#bytes.subarray(slot * recordBytes, (slot + 1) * recordBytes);
  }

  /** Whether these are the same whole records. */
  equals(bytes: Uint8Array): boolean {
    return Buffer.compare(this.bytes, bytes.subarray(0, wholeRecords(bytes.length))) === 0;
  }

  /** The image of the other records. */
  without(removed: ReadonlySet<number>): PoolImage {
    const kept = new Uint8Array((this.#count - removed.size) * recordBytes);
    let filled = 0;
    for (let slot = 0; slot < this.#count; slot += 1) {
      if (!removed.has(slot)) {
        kept.set(this.at(slot), filled);
        filled += recordBytes;
      }
    }
    return new PoolImage(kept);
  }

  /** Follows a change of the value of an entry in the file. */
  replaced(entry: PoolEntry, record: Uint8Array): void {
    for (const slot of entry.slots) {
      this.at(slot).set(record);
    }
    entry.record = undefined;
  }

  /** Follows a record added at {@link end}. */
  appended(record: Uint8Array): void {
    const slot = this.end;
    const needed = (slot + 1) * recordBytes;
    if (needed > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(needed, Math.ceil(this.#bytes.length * 1.25)));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(record, slot * recordBytes);
    this.#count = Math.max(this.#count, slot + 1);
    this.#enter(slot);
  }

  #enter(slot: number): void {
    const id = keyId(this.#bytes, slot * recordBytes);
    if (id === "") {
      return;
    }
    this.#lastUsed = slot;
    const known = this.#byKey.get(id);
    if (known !== undefined) {
      known.slots.push(slot);
      known.record = undefined;
      return;
    }
    const entry: PoolEntry = { id, slots: [slot], record: undefined };
    this.#entries.push(entry);
    this.#byKey.set(id, entry);
  }

  #decodeSlots(slots: readonly number[]): PoolRecord {
    const record = this.at(slots.at(-1) ?? 0);
    return { key: decodeKey(record), value: decodeValue(record) };
  }
}

/** The part of a size that is whole records. */
export function wholeRecords(size: number): number {
  return size - (size % recordBytes);
}
