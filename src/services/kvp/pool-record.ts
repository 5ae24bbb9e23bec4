// The record of a pool file: 512 bytes of key and 2,048 bytes of value, each ended
// by a NUL and filled up with zeros (struct kvp_record, tools/hv/hv_kvp_daemon.c).

import { decodeUtf8, encodeUtf8, untilNul } from "../../protocol/wire/text.ts";

export const keyArea = 512;
export const valueArea = 2048;
export const recordBytes = keyArea + valueArea;

/** A record as its readers see it: cut at the first NUL, bytes that are not UTF-8 as U+FFFD. */
export interface PoolRecord {
  readonly key: string;
  readonly value: string;
}

/** A pool file refuses what is asked; the message says why in one line. */
export class PoolError extends Error {
  override readonly name: string = "PoolError";
}

/** A key or a value that no record holds. */
export class RecordError extends PoolError {
  override readonly name = "RecordError";
}

/** Bytes that a key and a value may have, without their NUL. */
export interface RecordLimits {
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** What the areas of a record hold. */
export const wireLimits: RecordLimits = { keyBytes: keyArea - 1, valueBytes: valueArea - 1 };

/** What reaches the host uncut, whatever the text: the kernel takes so many UTF-16 units. */
export const safeLimits: RecordLimits = { keyBytes: 254, valueBytes: 1022 };

/**
 * The bytes of a record.
 * @throws RecordError for an empty key, a NUL in either, or a text beyond the limits.
 */
export function encodeRecord(key: string, value: string, limits = wireLimits): Uint8Array {
  const record = new Uint8Array(recordBytes);
  record.set(textBytes("key", key, limits.keyBytes), 0);
  record.set(textBytes("value", value, limits.valueBytes), keyArea);
  if (record[0] === 0) {
    throw new RecordError("an empty key names no record");
  }
  return record;
}

function textBytes(what: string, text: string, limit: number): Uint8Array {
  const bytes = encodeUtf8(text);
  if (bytes.length > limit) {
    throw new RecordError(`the ${what} has ${bytes.length} bytes, more than ${limit}`);
  }
  if (bytes.includes(0)) {
    throw new RecordError(`the ${what} contains a NUL`);
  }
  return bytes;
}

export function decodeKey(record: Uint8Array): string {
  return decodeUtf8(record.subarray(0, keyArea));
}

export function decodeValue(record: Uint8Array): string {
  return decodeUtf8(record.subarray(keyArea, recordBytes));
}

/**
 * The bytes of the key of the record at `start` as a text of one character a byte:
 * equal only for equal keys.
 */
export function keyId(records: Buffer, start: number): string {
  const nul = records.indexOf(0, start);
  const end = nul < 0 || nul > start + keyArea ? start + keyArea : nul;
  return records.toString("latin1", start, end);
}

/** The {@link keyId} of records with this key. */
export function keyIdOf(key: string): string {
  return bufferOf(encodeUtf8(key)).toString("latin1");
}

/** The same bytes, not a copy. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where the value ends within the record, its NUL included. */
export function usedBytes(record: Uint8Array): number {
  const value = untilNul(record.subarray(keyArea, recordBytes));
  return Math.min(keyArea + value.length + 1, recordBytes);
}
