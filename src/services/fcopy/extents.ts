// Which parts of a file have come.

/** Ranges of bytes, merged where they touch. */
export class Extents {
  /** Sorted, apart from each other. */
  readonly #ranges: { readonly start: number; readonly end: number }[] = [];
  /** More than a host has open that sends a gigabyte in any order. */
  static readonly limit = 65_536;

  /** False when the parts have become too many to keep. */
  add(start: number, end: number): boolean {
    if (start >= end) {
      return true;
    }
    const ranges = this.#ranges;
    const first = this.#firstThatEndsAt(start);
    let merged = { start, end };
    let next = first;
    for (
      let range = ranges[next];
      range !== undefined && range.start <= end;
      range = ranges[next]
    ) {
      merged = { start: Math.min(merged.start, range.start), end: Math.max(merged.end, range.end) };
      next += 1;
    }
    if (next === first && ranges.length >= Extents.limit) {
      return false;
    }
    ranges.splice(first, next - first, merged);
    return true;
  }

  /** The index of the first range that ends at `position` or behind. */
  #firstThatEndsAt(position: number): number {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const range = this.#ranges[middle];
      if (range !== undefined && range.end < position) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
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
