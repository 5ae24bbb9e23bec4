// Every change of a pool, ended at every instant: by a kill, by a power cut, by a
// full disk.

import { expect, test } from "bun:test";
import { constants } from "node:os";
import { NativeError } from "../../../src/native/native-error.ts";
import { PoolEditor } from "../../../src/services/kvp/pool-editor.ts";
import { PoolImage } from "../../../src/services/kvp/pool-image.ts";
import { encodeRecord } from "../../../src/services/kvp/pool-record.ts";
import { forRandom, type Random } from "../../support/random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

type Content = ReadonlyMap<string, string>;

interface Change {
  readonly key: string;
  readonly apply: (editor: PoolEditor) => void;
  /** The value afterwards, undefined when the key is deleted. */
  readonly after: string | undefined;
}

function contentOf(bytes: Uint8Array): Content {
  const image = new PoolImage(bytes);
  return new Map(
    image.entries.map((entry) => {
      const { key, value } = image.decode(entry);
      return [key, value];
    }),
  );
}

/** Texts that end before, at and behind the page boundaries of a record. */
function randomValue(random: Random): string {
  const length = [0, 1, 20, 510, 511, 512, 513, 1023, 1024, 1535, 1536, 2046, 2047][
    random.below(13)
  ];
  return `${random.below(1000)}`.padEnd(length ?? 0, "x").slice(0, length);
}

/** Records, some with a key again, as other programs append them; some blank. */
function randomFile(random: Random): Uint8Array {
  const records = Array.from({ length: random.below(9) }, () =>
    random.below(12) === 0
      ? new Uint8Array(2560)
      : encodeRecord(`key ${random.below(10)}`, randomValue(random)),
  );
  return Buffer.concat(records);
}

function randomChange(random: Random, content: Content): Change {
  const keys = [...content.keys()];
  const known = keys[random.below(keys.length + 1)];
  const key = known ?? `new ${random.below(3)}`;
  if (random.below(2) === 0 && content.has(key)) {
    return { key, after: undefined, apply: (editor) => editor.delete([key]) };
  }
  const value = randomValue(random);
  return { key, after: value, apply: (editor) => editor.set(key, value) };
}

/** Every other record is whole; the changed one is old or new. */
function expectOldOrNew(left: Uint8Array, before: Content, change: Change): void {
  const found = contentOf(left);
  const others = (content: Content) =>
    Object.fromEntries([...content].filter(([key]) => key !== change.key));
  expect(others(found)).toEqual(others(before));
  expect([before.get(change.key), change.after]).toContain(found.get(change.key));
}

for (const [instant, states] of [
  ["a kill", (disk: SimulatedDisk) => disk.killed],
  ["a power cut", (disk: SimulatedDisk) => disk.powerCuts],
] as const) {
  test(`${instant} at any instant leaves the other records whole and the changed one old or new`, () => {
    forRandom(instant, 1500, (random) => {
      const bytes = randomFile(random);
      const before = contentOf(bytes);
      const change = randomChange(random, before);
      const disk = new SimulatedDisk(bytes, random);
      change.apply(new PoolEditor(disk, new PoolImage(bytes)));
      for (const left of states(disk)) {
        expectOldOrNew(left, before, change);
      }
      expect(contentOf(disk.content).get(change.key)).toBe(change.after);
    });
  });
}

test("the next changes of what a kill or a power cut left are as safe as the first", () => {
  forRandom("again", 300, (random) => {
    let bytes = randomFile(random);
    for (let step = 0; step < 6; step += 1) {
      const before = contentOf(bytes);
      const change = randomChange(random, before);
      const disk = new SimulatedDisk(bytes, random);
      change.apply(new PoolEditor(disk, new PoolImage(bytes)));
      const states = [...disk.killed, ...disk.powerCuts, disk.content];
      const left = states[random.below(states.length)] ?? disk.content;
      expectOldOrNew(left, before, change);
      // A partial record at the end is cut off when the file is opened.
      bytes = left.slice(0, left.length - (left.length % 2560));
    }
  });
});

test("a power cut after many changes leaves each record with a value it had since the last sync", () => {
  forRandom("many", 400, (random) => {
    const bytes = randomFile(random);
    const disk = new SimulatedDisk(bytes, random);
    const editor = new PoolEditor(disk, new PoolImage(bytes));
    let content = contentOf(bytes);
    let since = [content];
    disk.onSync = () => {
      since = since.slice(-2);
    };
    disk.onPowerCut = (left) => {
      const found = contentOf(left);
      const keys = new Set([...since, found].flatMap((state) => [...state.keys()]));
      for (const key of keys) {
        expect(since.map((state) => state.get(key))).toContain(found.get(key));
      }
    };
    for (let step = 0; step < 8; step += 1) {
      const change = randomChange(random, content);
      const after = new Map(content);
      after.delete(change.key);
      if (change.after !== undefined) {
        after.set(change.key, change.after);
      }
      since.push(after);
      change.apply(editor);
      content = after;
    }
  });
});

test("a kill never changes the order of the records", () => {
  forRandom("order", 500, (random) => {
    const bytes = Buffer.concat(
      Array.from({ length: 1 + random.below(8) }, (_, index) =>
        encodeRecord(`key ${index}`, randomValue(random)),
      ),
    );
    const disk = new SimulatedDisk(bytes, random);
    const keys = [...contentOf(bytes).keys()];
    const removed = keys[random.below(keys.length)] ?? "";
    new PoolEditor(disk, new PoolImage(bytes)).delete([removed]);
    for (const left of disk.killed) {
      const kept = [...contentOf(left).keys()].filter((key) => key !== removed);
      expect(kept).toEqual(keys.filter((key) => key !== removed));
    }
  });
});

test("on a full disk a change is refused and the pool is as before; deleting works", () => {
  forRandom("full", 600, (random) => {
    const bytes = randomFile(random);
    const before = contentOf(bytes);
    const change = randomChange(random, before);
    const disk = new SimulatedDisk(bytes, random);
    // Room for less than another record.
    disk.capacity = bytes.length + random.below(2560);
    disk.onFull = () => new NativeError("write", constants.errno.ENOSPC);
    let refused = false;
    try {
      change.apply(new PoolEditor(disk, new PoolImage(bytes)));
    } catch {
      refused = true;
    }
    for (const left of [...disk.killed, ...disk.powerCuts]) {
      expectOldOrNew(left, before, change);
    }
    if (refused) {
      expect(change.after).toBeDefined();
      expect(Buffer.compare(disk.content, bytes)).toBe(0);
    } else {
      expect(contentOf(disk.content).get(change.key)).toBe(change.after);
    }
  });
});
