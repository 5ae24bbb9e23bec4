import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { mostBytes, seedText } from "../../../src/image/seed/parts.ts";

function textOf(records: Record<string, string>): string | undefined {
  const text = seedText(new Map(Object.entries(records)), "x");
  return text && Buffer.from(text.bytes).toString();
}

const gzip = (text: string) => gzipSync(text).toString("base64");
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("a text is whole, or its parts in the order of their numbers", () => {
  expect(textOf({})).toBeUndefined();
  expect(textOf({ xy: "1", "x.y": "2" })).toBeUndefined();
  expect(textOf({ x: "ä" })).toBe("ä");
  const parts = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`x.${11 - i}`, `${11 - i},`]),
  );
  expect(textOf(parts)).toBe("0,1,2,3,4,5,6,7,8,9,10,11,");
});

test("a missing part is told, also the last one when their number is known", () => {
  expect(() => textOf({ "x.0": "a", "x.2": "c" })).toThrow("'x.1' is missing");
  expect(() => textOf({ "x.1": "b" })).toThrow("'x.0' is missing");
  expect(() => textOf({ "x.0": "a", "x.parts": "2" })).toThrow("'x.1' is missing");
  expect(() => textOf({ "x.parts": "1" })).toThrow("'x.0' is missing");
  expect(() => textOf({ "x.0": "a", "x.1": "b", "x.parts": "1" })).toThrow("has 2 parts");
  expect(() => textOf({ "x.0": "a", "x.parts": "many" })).toThrow("not a number");
  expect(() => textOf({ x: "a", "x.0": "a" })).toThrow("both");
});

test("base64 and compressed texts are decoded, over the borders of parts too", () => {
  expect(textOf({ x: "aGVs bG8=\n", "x.encoding": "base64" })).toBe("hello");
  const encoded = gzip("hello".repeat(100));
  const parts = {
    "x.0": encoded.slice(0, 7),
    "x.1": encoded.slice(7),
    "x.encoding": "gzip+base64",
  };
  expect(textOf(parts)).toBe("hello".repeat(100));
  expect(textOf({ x: gzip("a"), "x.encoding": "gz+b64" })).toBe("a");
});

test("what cannot be decoded is refused without its text", () => {
  for (const records of [
    { x: "secret!", "x.encoding": "base64" },
    { x: "c2VjcmV0", "x.encoding": "gzip+base64" },
    { x: "secret", "x.encoding": "rot13" },
    { x: "secret", "x.sha256": sha256("other") },
  ]) {
    let message = "";
    try {
      textOf(records);
    } catch (error) {
      message = String(error);
    }
    expect(message).toStartWith("SeedError: 'x");
    expect(message).not.toContain("secret");
  }
});

test("a checksum holds the decoded text", () => {
  const records = {
    x: gzip("hello"),
    "x.encoding": "gzip+base64",
    "x.sha256": sha256("hello").toUpperCase(),
  };
  expect(textOf(records)).toBe("hello");
});

test("a small text that unpacks to a huge one is refused", () => {
  const bomb = gzip("\0".repeat(mostBytes + 1));
  expect(bomb.length).toBeLessThan(mostBytes / 100);
  expect(() => textOf({ x: bomb, "x.encoding": "gzip+base64" })).toThrow("has more than");
});
