// A program that changes a pool file and is killed in the middle:
//   killed-pool-change.ts FILE INSTANT set|append|delete KEY [VALUE]
// INSTANT counts the pages it writes, the cuts and the syncs. Status 0 when the
// change has fewer of them.

import { PoolEditor } from "../../src/services/kvp/pool-editor.ts";
import { PoolFile } from "../../src/services/kvp/pool-file.ts";
import { PoolImage } from "../../src/services/kvp/pool-image.ts";
import type { RecordFile } from "../../src/services/kvp/pool-writes.ts";

const pageBytes = 4096;

class DoomedFile implements RecordFile {
  readonly path: string;
  readonly #file: PoolFile;
  #left: number;

  constructor(file: PoolFile, instants: number) {
    this.path = file.path;
    this.#file = file;
    this.#left = instants;
  }

  write(bytes: Uint8Array, offset: number): void {
    // The kernel takes a write page by page, and a kill may come between two.
    for (let written = 0; written < bytes.length; ) {
      this.#pass();
      const at = offset + written;
      const length = Math.min(pageBytes - (at % pageBytes), bytes.length - written);
      this.#file.write(bytes.subarray(written, written + length), at);
      written += length;
    }
  }

  truncate(size: number): void {
    this.#pass();
    this.#file.truncate(size);
  }

  sync(): void {
    this.#pass();
    this.#file.sync();
  }

  #pass(): void {
    if (this.#left === 0) {
      process.kill(process.pid, "SIGKILL");
    }
    this.#left -= 1;
  }
}

const [path = "", instant = "", act = "", key = "", value = ""] = process.argv.slice(2);
using file = PoolFile.open(path, "change", 0);
const editor = new PoolEditor(new DoomedFile(file, Number(instant)), new PoolImage(file.read()));
switch (act) {
  case "set":
    editor.set(key, value);
    break;
  case "append":
    editor.append(key, value);
    break;
  case "delete":
    editor.delete([key]);
    break;
  default:
    throw new Error(`unknown act '${act}'`);
}
