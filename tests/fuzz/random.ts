// Random choices that a seed repeats (mulberry32).

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number of 32 bits. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return this.next() % limit;
  }

  /** True once in so many times. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.below(choices.length)] ?? choices[0];
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let offset = 0; offset < length; offset += 1) {
      bytes[offset] = this.next();
    }
    return bytes;
  }

  /** A number of 32 bits, often one where programs go wrong. */
  u32(): number {
    const edges = [0, 1, 4, 511, 512, 513, 2047, 2048, 2049, 6144, 6145, 0x7fffffff] as const;
    const high = [0x80000000, 0xfffffffe, 0xffffffff] as const;
    return this.once(2) ? this.pick([...edges, ...high]) : this.next();
  }

  /** Text of up to `limit` bytes: plain, of many scripts, not UTF-8, or with control characters. */
  text(limit: number): Buffer {
    const length = this.below(this.once(10) ? limit + 1 : 40);
    switch (this.below(4)) {
      case 0:
        return this.bytes(Math.min(length, limit));
      case 1:
        return Buffer.from("ä€𝄞\u0301".repeat(limit / 8)).subarray(0, Math.min(length, limit));
      case 2:
        return Buffer.from("a\n\u001b[31m\t;=\\'\"$(`".repeat(limit / 8)).subarray(0, length);
      default:
        return Buffer.alloc(Math.min(length, limit), `key-${this.below(50)} `);
    }
  }
}
