// A file between a program, the page cache and a disk: what a kill or a power cut
// at each instant may leave of it.

import type { RecordFile } from "../../../src/services/kvp/pool-writes.ts";
import type { Random } from "../../support/random.ts";

const pageBytes = 4096;

/** Every state that one page or the size has had since the last sync. */
interface Unsynced {
  readonly synced: Uint8Array;
  readonly pages: Map<number, Uint8Array[]>;
  readonly sizes: number[];
}

export class SimulatedDisk implements RecordFile {
  readonly path = "simulated";
  #content: Uint8Array;
  #unsynced: Unsynced;
  readonly #killed: Uint8Array[] = [];
  readonly #powerCuts: Uint8Array[] = [];
  readonly #random: Random;
  /** Bytes that the disk can hold; a write beyond fails like one on a full disk. */
  capacity = Number.POSITIVE_INFINITY;
  /** Called with each of {@link powerCuts} when it is taken. */
  onPowerCut: (left: Uint8Array) => void = () => undefined;
  onSync: () => void = () => undefined;
  onFull: () => Error = () => new Error("no space left");

  constructor(content: Uint8Array, random: Random) {
    this.#content = new Uint8Array(content);
    this.#random = random;
    this.#unsynced = { synced: new Uint8Array(content), pages: new Map(), sizes: [content.length] };
  }

  get content(): Uint8Array {
    return this.#content;
  }

  /** What a SIGKILL may have left: whole pages of a write in their order. */
  get killed(): readonly Uint8Array[] {
    return this.#killed;
  }

  /** A sample of what power cuts may have left. */
  get powerCuts(): readonly Uint8Array[] {
    return this.#powerCuts;
  }

  write(bytes: Uint8Array, offset: number): void {
    for (let written = 0; written < bytes.length; ) {
      const at = offset + written;
      const length = Math.min(pageBytes - (at % pageBytes), bytes.length - written);
      if (at + length > this.capacity) {
        throw this.onFull();
      }
      this.#writeInPage(bytes.subarray(written, written + length), at);
      written += length;
    }
  }

  truncate(size: number): void {
    const content = new Uint8Array(size);
    content.set(this.#content.subarray(0, size));
    this.#content = content;
    this.#unsynced.sizes.push(size);
    this.#sample();
  }

  sync(): void {
    this.onSync();
    const content = this.#content;
    this.#unsynced = { synced: new Uint8Array(content), pages: new Map(), sizes: [content.length] };
    this.#sample();
  }

  #writeInPage(bytes: Uint8Array, offset: number): void {
    const number = Math.floor(offset / pageBytes);
    const versions = this.#unsynced.pages.get(number) ?? [this.#page(number)];
    if (offset + bytes.length > this.#content.length) {
      const grown = new Uint8Array(offset + bytes.length);
      grown.set(this.#content);
      this.#content = grown;
    }
    this.#content.set(bytes, offset);
    versions.push(this.#page(number));
    this.#unsynced.pages.set(number, versions);
    this.#unsynced.sizes.push(this.#content.length);
    this.#sample();
  }

  #page(number: number): Uint8Array {
    const page = new Uint8Array(pageBytes);
    page.set(this.#content.subarray(number * pageBytes, (number + 1) * pageBytes));
    return page;
  }

  #sample(): void {
    this.#killed.push(this.#content.slice());
    for (let sample = 0; sample < 4; sample += 1) {
      const left = this.#powerCut();
      this.#powerCuts.push(left);
      this.onPowerCut(left);
    }
  }

  /** Each page in any of its states since the last sync, and the size likewise. */
  #powerCut(): Uint8Array {
    const { synced, pages, sizes } = this.#unsynced;
    const size = this.#oneOf(sizes);
    const content = new Uint8Array(size);
    content.set(synced.subarray(0, size));
    for (const [number, versions] of pages) {
      const start = number * pageBytes;
      if (start < size) {
        content.set(this.#oneOf(versions).subarray(0, size - start), start);
      }
    }
    return content;
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)] as T;
  }
}
