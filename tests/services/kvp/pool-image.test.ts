import { expect, test } from "bun:test";
import { PoolImage } from "../../../src/services/kvp/pool-image.ts";
import { encodeRecord } from "../../../src/services/kvp/pool-record.ts";
import { forRandom } from "../../support/random.ts";
import { records } from "./pool-directory.ts";

test("any bytes are a pool: every entry has a key, and texts are well-formed", () => {
  forRandom("bytes", 200, (random) => {
    const image = new PoolImage(random.bytes(random.below(4 * 2560)));
    for (const entry of image.entries) {
      const { key, value } = image.decode(entry);
      expect(key.length).toBeGreaterThan(0);
      expect(key.isWellFormed() && value.isWellFormed()).toBe(true);
      expect(`${key}${value}`).not.toContain("\0");
    }
    const counted = image.entries.reduce((sum, entry) => sum + entry.slots.length, 0);
    expect(counted + image.blankCount).toBe(image.count);
  });
});

test("keys that differ only in bytes that are not UTF-8 are two keys", () => {
  const [first, second] = [records(["a", "1"]), records(["a", "2"])];
  first[1] = 0xfe;
  second[1] = 0xff;
  const image = new PoolImage(Buffer.concat([first, second]));
  expect(image.entries.map((entry) => image.decode(entry))).toEqual([
    { key: "a\ufffd", value: "1" },
    { key: "a\ufffd", value: "2" },
  ]);
});

test("old bytes behind the NUL are no part of key or value", () => {
  const record = records(["key", "value"]);
  record.fill(0x78, 10, 512);
  record.fill(0x78, 520, 2560);
  const image = new PoolImage(record);
  expect(image.record(0)).toEqual({ key: "key", value: "value" });
  expect(image.entry("key")).toBeDefined();
});

test("a key and a value that fill their areas have no NUL and end there", () => {
  const record = Buffer.concat([Buffer.alloc(512, "k"), Buffer.alloc(2048, "v")]);
  expect(new PoolImage(record).record(0)).toEqual({
    key: "k".repeat(512),
    value: "v".repeat(2048),
  });
});

test("an image follows changes as if the file were read again", () => {
  forRandom("follow", 200, (random) => {
    let image = new PoolImage(new Uint8Array());
    for (let step = 0; step < 20; step += 1) {
      const key = `key ${random.below(5)}`;
      const record = encodeRecord(key, `${random.below(100)}`);
      const entry = image.entry(key);
      const act = random.below(4);
      if (entry === undefined || act === 0) {
        image.appended(record);
      } else if (act === 1) {
        image = image.without(new Set(entry.slots));
      } else {
        image.replaced(entry, record);
      }
      const again = new PoolImage(new Uint8Array(image.bytes));
      expect(image.equals(again.bytes)).toBe(true);
      expect(image.entries.map((each) => image.decode(each))).toEqual(
        again.entries.map((each) => again.decode(each)),
      );
      expect(image.end).toBe(again.end);
    }
  });
});
