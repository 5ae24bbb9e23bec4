// Lines about one pool file: each state is told once, not at every request.

import { largestFile } from "./pool-file.ts";
import type { PoolImage } from "./pool-image.ts";

/** Keys whose duplicates are told of; more are counted as one. */
const toldKeys = 100;

export type NoticeKind = "read" | "lock" | "file" | "size" | "content";

export class PoolNotices {
  readonly #path: string;
  readonly #onNotice: (text: string) => void;
  readonly #told = new Map<NoticeKind, string>();
  readonly #duplicates = new Set<string>();

  constructor(path: string, onNotice: (text: string) => void) {
    this.#path = path;
    this.#onNotice = onNotice;
  }

  /** Tells of a state of the file, unless it is the one told last. */
  report(kind: NoticeKind, state: string): void {
    this.reportFailure(kind, `'${this.#path}' ${state}`);
  }

  /** Tells of a failure, whose message names the file, unless it is the one told last. */
  reportFailure(kind: NoticeKind, message: string): void {
    if (this.#told.get(kind) !== message) {
      this.#told.set(kind, message);
      this.#onNotice(message);
    }
  }

  /** The state is over: it is told again when it comes back. */
  settle(kind: NoticeKind): void {
    this.#told.delete(kind);
  }

  /** Tells of what readers leave out of a file. */
  reportContent(image: PoolImage, size: number): void {
    if (size > largestFile) {
      this.report("content", `has ${size} bytes, serving the first ${largestFile}`);
    } else if (image.blankCount > 0) {
      this.report("content", `has ${image.blankCount} records without a key, leaving them out`);
    } else {
      this.settle("content");
    }
    this.#reportDuplicates(image);
  }

  #reportDuplicates(image: PoolImage): void {
    for (const entry of image.entries) {
      if (entry.slots.length === 1 || this.#duplicates.has(entry.id)) {
        continue;
      }
      if (this.#duplicates.size >= toldKeys) {
        this.report("content", `repeats more than ${toldKeys} keys, not naming the others`);
        return;
      }
      this.#duplicates.add(entry.id);
      const { key } = image.decode(entry);
      this.#onNotice(
        `'${this.#path}' has ${entry.slots.length} records with the key '${key}', taking the last`,
      );
    }
  }
}
