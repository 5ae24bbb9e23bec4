// Pool files as other programs of a guest read and write them: records of 2,560
// bytes, a key of 512 and a value of 2,048, padded with zeros.

import type { Context } from "../runner/context.ts";

export const recordBytes = 2560;
const keyBytes = 512;

export interface PoolRecord {
  readonly key: string;
  readonly value: string;
}

export function poolPath(pool: number): string {
  return `/var/lib/hyperv/.kvp_pool_${pool}`;
}

/** One record; key and value may be bytes, to break rules. */
export function recordOf(key: string | Uint8Array, value: string | Uint8Array): Uint8Array {
  const record = Buffer.alloc(recordBytes);
  record.set(Buffer.from(key).subarray(0, keyBytes), 0);
  record.set(Buffer.from(value).subarray(0, recordBytes - keyBytes), keyBytes);
  return record;
}

export function poolOf(records: readonly PoolRecord[]): Uint8Array {
  return Buffer.concat(records.map(({ key, value }) => recordOf(key, value)));
}

function text(area: Uint8Array): string {
  const end = area.indexOf(0);
  return Buffer.from(end < 0 ? area : area.subarray(0, end)).toString();
}

export function recordsOf(content: Uint8Array): PoolRecord[] {
  const records: PoolRecord[] = [];
  for (let offset = 0; offset + recordBytes <= content.length; offset += recordBytes) {
    const record = content.subarray(offset, offset + recordBytes);
    records.push({
      key: text(record.subarray(0, keyBytes)),
      value: text(record.subarray(keyBytes)),
    });
  }
  return records;
}

/** What is in the pool file of the guest. */
export async function readPool(context: Context, pool: number): Promise<PoolRecord[]> {
  return recordsOf(await context.machine.readFile(poolPath(pool)));
}

/** Makes the pool file of the guest hold these bytes, in place. */
export function writePool(context: Context, pool: number, content: Uint8Array): Promise<void> {
  return context.machine.writeFile(poolPath(pool), content);
}

/** Records such as `item0=value 0`. */
export function numbered(count: number, name = "item"): PoolRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `${name}${index}`,
    value: `value ${index}`,
  }));
}
