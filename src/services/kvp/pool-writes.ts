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
import { keyArea, recordBytes, usedBytes } from "./pool-record.ts";

const pageBytes = 4096;

/** A pool file that is held exclusively. */
export interface RecordFile {
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
  undoing(file, count, () => {
    if (slot === count && isWithinPage(start, start + usedBytes(record))) {
      // Ended early it is a partial record at the end of the file: no record.
      file.write(record, start);
      return;
    }
    // Without its key the record is blank, and the key is written at once.
    const blank = record.slice();
    blank.fill(0, 0, keyArea);
    file.write(blank, start);
    file.sync();
    file.write(record.subarray(0, keyArea), start);
  });
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
  const count = content.length / recordBytes;
  // The last one first: it decides, and covers what happens to the others.
  slots.toReversed().forEach((slot, position) => {
    const start = slot * recordBytes;
    const [from, to] = difference(content.subarray(start, start + recordBytes), record);
    if (from === to) {
      return;
    }
    if (position > 0 || isWithinPage(start + from, start + to)) {
      file.write(record.subarray(from, to), start + from);
      return;
    }
    undoing(file, count, () => {
      file.write(record, count * recordBytes);
      file.sync();
    });
    file.write(record, start);
    file.sync();
    file.truncate(content.length);
  });
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
    if (copiedBehind(file, content, rest)) {
      moveUpCovered(file, first, rest, slots);
    } else {
      moveUpInSteps(file, first, rest);
    }
  }
  file.truncate((first + moved.length) * recordBytes);
}

/** Puts a copy of the moving records on the disk behind all others; false when it is full. */
function copiedBehind(file: RecordFile, content: Uint8Array, rest: Uint8Array): boolean {
  try {
    undoing(file, content.length / recordBytes, () => {
      file.write(rest, content.length);
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
function undoing(file: RecordFile, count: number, write: () => void): void {
  try {
    write();
  } catch (error) {
    file.truncate(count * recordBytes);
    throw error;
  }
}

function isWithinPage(from: number, to: number): boolean {
  return to - from <= bytesLeftInPage(from);
}

function bytesLeftInPage(offset: number): number {
  return pageBytes - (offset % pageBytes);
}

/** The range in which two records differ; empty (from equals to) when they do not. */
function difference(before: Uint8Array, after: Uint8Array): [from: number, to: number] {
  let from = 0;
  let to = recordBytes;
  while (from < to && before[from] === after[from]) {
    from += 1;
  }
  while (to > from && before[to - 1] === after[to - 1]) {
    to -= 1;
  }
  return [from, to];
}

function isDiskFull(error: unknown): boolean {
  const { ENOSPC, EDQUOT } = constants.errno;
  return error instanceof NativeError && (error.errno === ENOSPC || error.errno === EDQUOT);
}
