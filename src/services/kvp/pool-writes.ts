// Changes of a pool file that a kill or a power cut may end at any instant.
//
// What holds at every instant: each record that is not being changed is there,
// whole, and is the last one with its key; the changed one is old or new. Readers
// take the last record of a key, so a copy behind all others may stand in for
// records that are being moved.
//
// What is relied on: a write within one page of 4,096 bytes happens or does not;
// larger writes reach the page cache in order and the disk in any order, until
// `sync` returns. Keys are 512 bytes at a multiple of 512, so a key never crosses
// a page and is never torn.

import { NativeError } from "../../native/native-error.ts";
import { constants } from "node:os";
import { bufferOf, keyArea, keyId, recordBytes, usedBytes } from "./pool-record.ts";

const pageBytes = 4096;

/** A pool file that is held exclusively. */
export interface RecordFile {
  readonly path: string;
  /** One write, of all bytes. @throws NativeError; a part may be written then. */
  write(bytes: Uint8Array, offset: number): void;
  truncate(size: number): void;
  /** Waits until all data written before is on the disk. */
  sync(): void;
}

/**
 * Adds a record at `slot`, which is the end of the file or a blank record before
 * it; `count` is the number of records in the file.
 */
export function addRecord(file: RecordFile, slot: number, count: number, record: Uint8Array): void {
  const start = slot * recordBytes;
  undoing(file, count * recordBytes, () => {
    if (slot === count && isWithinPage(start, start + usedBytes(record))) {
      // Ended early it is a partial record at the end of the file: no record.
      file.write(record, start);
      return;
    }
    writeNew(file, start, record);
  });
}

/** Writes records where none are: none of them is there before it is whole. */
function writeNew(file: RecordFile, start: number, records: Uint8Array): void {
  const blank = new Uint8Array(records);
  for (let offset = 0; offset < blank.length; offset += recordBytes) {
    blank.fill(0, offset, offset + keyArea);
  }
  file.write(blank, start);
  file.sync();
  // Only keys differ now, and no key crosses a page.
  file.write(records, start);
}

/**
 * Gives the records at `slots`, which have one key and of which the last one
 * counts, the same new content.
 */
export function replaceRecords(
  file: RecordFile,
  content: Uint8Array,
  slots: readonly number[],
  record: Uint8Array,
): void {
  // The last one first: it decides, and covers what happens to the others.
  slots.toReversed().forEach((slot, position) => {
    const start = slot * recordBytes;
    const before = content.subarray(start, start + recordBytes);
    const valueEnd = Math.max(usedBytes(before), usedBytes(record));
    if (position > 0 || isWithinPage(start + keyArea, start + valueEnd)) {
      writeDifference(file, start, before, record);
    } else {
      replaceCovered(file, content.length, start, record);
    }
  });
}

/** Replaces a value that lies in two pages, while a copy behind all others has the new one. */
function replaceCovered(file: RecordFile, size: number, start: number, record: Uint8Array): void {
  undoing(file, size, () => {
    writeNew(file, size, record);
    file.sync();
  });
  file.write(record, start);
  file.sync();
  shorten(file, size);
}

function writeDifference(
  file: RecordFile,
  start: number,
  before: Uint8Array,
  after: Uint8Array,
): void {
  if (isSame(before, after, keyArea)) {
    return;
  }
  const valueEnd = Math.max(usedBytes(before), usedBytes(after));
  // Other programs leave old bytes behind the NUL, which readers may stumble over.
  const end = isSame(before, after, valueEnd) ? valueEnd : recordBytes;
  file.write(after.subarray(keyArea, end), start + keyArea);
}

/** Whether two records are the same from an offset on. */
function isSame(a: Uint8Array, b: Uint8Array, from: number): boolean {
  return Buffer.compare(a.subarray(from), b.subarray(from)) === 0;
}

/** Takes the records at `slots` out; those behind move up and keep their order. */
export function removeRecords(
  file: RecordFile,
  content: Uint8Array,
  slots: readonly number[],
): void {
  const removed = new Set(slots);
  const first = Math.min(...slots);
  const count = content.length / recordBytes;
  const moved: number[] = [];
  for (let slot = first; slot < count; slot += 1) {
    if (!removed.has(slot)) {
      moved.push(slot);
    }
  }
  if (moved.length > 0) {
    const rest = new Uint8Array(moved.length * recordBytes);
    moved.forEach((slot, index) => {
      rest.set(content.subarray(slot * recordBytes, (slot + 1) * recordBytes), index * recordBytes);
    });
    if (isCopiedBehind(file, content, rest)) {
      moveUpCovered(file, first, rest, slots);
    } else {
      moveUpInSteps(file, first, rest);
    }
  }
  shorten(file, (first + moved.length) * recordBytes);
}

/** Cuts records off. On the disk before anything is added in their place: else a mixture of both. */
export function shorten(file: RecordFile, size: number): void {
  file.truncate(size);
  file.sync();
}

/** Puts a copy of the moving records on the disk behind all others; false when it is full. */
function isCopiedBehind(file: RecordFile, content: Uint8Array, rest: Uint8Array): boolean {
  try {
    undoing(file, content.length, () => {
      writeNew(file, content.length, lastOfEachKey(rest));
      file.sync();
    });
    return true;
  } catch (error) {
    if (isDiskFull(error)) {
      return false;
    }
    throw error;
  }
}

/** Without the records that a later one supersedes: copied half, they would supersede it. */
function lastOfEachKey(records: Uint8Array): Uint8Array {
  const byKey = new Map<string, Uint8Array>();
  const buffer = bufferOf(records);
  for (let start = 0; start < records.length; start += recordBytes) {
    byKey.set(keyId(buffer, start), records.subarray(start, start + recordBytes));
  }
  return Buffer.concat([...byKey.values()]);
}

function moveUpCovered(
  file: RecordFile,
  first: number,
  rest: Uint8Array,
  removed: readonly number[],
): void {
  // The removed keys go first, in the order that keeps the last one to the end, so
  // that a removed record is never left with the value of another.
  for (const slot of removed.toSorted((a, b) => a - b)) {
    const start = (slot - first) * recordBytes;
    if (start < rest.length) {
      const length = Math.min(recordBytes, bytesLeftInPage(slot * recordBytes));
      file.write(rest.subarray(start, start + length), slot * recordBytes);
      file.sync();
    }
  }
  file.write(rest, first * recordBytes);
  file.sync();
}

/** Without room for a copy: each record stays whole in its old place until it is in the new one. */
function moveUpInSteps(file: RecordFile, first: number, rest: Uint8Array): void {
  for (let index = 0; index * recordBytes < rest.length; index += 1) {
    const start = (first + index) * recordBytes;
    const record = rest.subarray(index * recordBytes, (index + 1) * recordBytes);
    const split = Math.min(recordBytes, bytesLeftInPage(start));
    file.write(record.subarray(0, split), start);
    file.sync();
    if (split < recordBytes) {
      file.write(record.subarray(split), start + split);
      file.sync();
    }
  }
}

/** Takes back what a failed write has added to the file. */
function undoing(file: RecordFile, size: number, write: () => void): void {
  try {
    write();
  } catch (error) {
    file.truncate(size);
    throw error;
  }
}

function isWithinPage(from: number, to: number): boolean {
  return to - from <= bytesLeftInPage(from);
}

function bytesLeftInPage(offset: number): number {
  return pageBytes - (offset % pageBytes);
}

function isDiskFull(error: unknown): boolean {
  const { ENOSPC, EDQUOT } = constants.errno;
  return error instanceof NativeError && (error.errno === ENOSPC || error.errno === EDQUOT);
}
