// A directory of pools for one test.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRecord } from "../../../src/services/kvp/pool-record.ts";
import { poolPath } from "../../../src/services/kvp/pool-names.ts";
import { PoolStore } from "../../../src/services/kvp/pool-store.ts";

export class PoolDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "hvguest-pools-"));
  readonly notices: string[] = [];

  file(pool: number): string {
    return poolPath(this.path, pool);
  }

  bytes(pool: number): Buffer {
    return readFileSync(this.file(pool));
  }

  write(pool: number, ...parts: readonly Uint8Array[]): void {
    writeFileSync(this.file(pool), Buffer.concat(parts));
  }

  /** An opened store; its notices are in {@link notices}. */
  store(): PoolStore {
    const store = new PoolStore(this.path, (text) => this.notices.push(text));
    store.open();
    return store;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** The bytes of records, as any program writes them. */
export function records(...pairs: readonly (readonly [key: string, value: string])[]): Buffer {
  return Buffer.concat(pairs.map(([key, value]) => encodeRecord(key, value)));
}

/** What a host that enumerates a pool gets. */
export function enumerated(store: PoolStore, pool: number): [string, string][] {
  const found: [string, string][] = [];
  for (let index = 0; ; index += 1) {
    const record = store.record(pool, index);
    if (record === undefined) {
      return found;
    }
    found.push([record.key, record.value]);
  }
}
