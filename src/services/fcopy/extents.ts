// Which parts of a file have come.

/** Ranges of bytes, merged where they touch. */
export class Extents {
  /** Sorted, apart from each other. */
  #ranges: { readonly start: number; readonly end: number }[] = [];
  /** More parts than a host that sends a file in any order can have open. */
  static readonly limit = 4096;

  /** False when the parts have become too many to keep. */
  add(start: number, end: number): boolean {
    if (start >= end) {
      return true;
    }
    const before = this.#ranges.filter((range) => range.end < start);
    const after = this.#ranges.filter((range) => range.start > end);
    const touching = this.#ranges.slice(before.length, this.#ranges.length - after.length);
    const merged = {
      start: Math.min(start, ...touching.map((range) => range.start)),
      end: Math.max(end, ...touching.map((range) => range.end)),
    };
    if (before.length + after.length >= Extents.limit) {
      return false;
    }
    this.#ranges = [...before, merged, ...after];
    return true;
  }

  /** Whether all of 0 to `bytes` has come. */
  cover(bytes: number): boolean {
    const [first] = this.#ranges;
    return bytes === 0 || (first !== undefined && first.start === 0 && first.end >= bytes);
  }

  /** Bytes that have come. */
  get bytes(): number {
    return this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }
}
