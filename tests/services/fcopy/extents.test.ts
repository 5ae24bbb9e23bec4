import { expect, test } from "bun:test";
import { Extents } from "../../../src/services/fcopy/extents.ts";
import { forRandom } from "../../support/random.ts";

test("parts in any order cover a file when nothing is missing", () => {
  const extents = new Extents();
  expect(extents.cover(0)).toBe(true);
  extents.add(6, 9);
  extents.add(0, 3);
  expect(extents.cover(9)).toBe(false);
  extents.add(3, 6);
  expect(extents.cover(9)).toBe(true);
  expect(extents.cover(10)).toBe(false);
  expect(extents.bytes).toBe(9);
});

test("a part that comes twice, or none at all, counts once", () => {
  const extents = new Extents();
  extents.add(0, 5);
  extents.add(2, 5);
  extents.add(7, 7);
  extents.add(0, 5);
  expect(extents.bytes).toBe(5);
});

test("a file that does not begin has not come", () => {
  const extents = new Extents();
  extents.add(1, 10);
  expect(extents.cover(5)).toBe(false);
});

test("more parts than anybody needs are refused, and the memory stays", () => {
  const extents = new Extents();
  for (let part = 0; part < Extents.limit; part += 1) {
    expect(extents.add(2 * part, 2 * part + 1)).toBe(true);
  }
  expect(extents.add(2 * Extents.limit, 2 * Extents.limit + 1)).toBe(false);
  // One that closes a gap is still taken.
  expect(extents.add(1, 2)).toBe(true);
  expect(extents.bytes).toBe(Extents.limit + 1);
});

test("any parts are counted as a set of bytes is", () => {
  forRandom("extents", 200, (random) => {
    const extents = new Extents();
    const bytes = new Set<number>();
    for (let part = random.below(12); part > 0; part -= 1) {
      const start = random.below(30);
      const end = start + random.below(8);
      extents.add(start, end);
      for (let byte = start; byte < end; byte += 1) {
        bytes.add(byte);
      }
    }
    expect(extents.bytes).toBe(bytes.size);
    const first = Array.from({ length: 40 }, (_, byte) => byte).findIndex((b) => !bytes.has(b));
    for (let size = 0; size < 40; size += 1) {
      expect(extents.cover(size)).toBe(size <= first);
    }
  });
});
