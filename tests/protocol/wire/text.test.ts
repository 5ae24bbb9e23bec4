import { expect, test } from "bun:test";
import {
  cutList,
  cutText,
  decodeStrictUtf8,
  decodeUtf16,
  decodeUtf8,
  encodeUtf8,
  untilNul,
} from "../../../src/protocol/wire/text.ts";
import { forRandom, type Random } from "../../support/random.ts";

const bytesOf = (text: string) => encodeUtf8(text);
const encodeUtf16 = (text: string) => new Uint8Array(Buffer.from(text, "utf16le"));
const characters: readonly [string, ...string[]] = [
  "a",
  "~",
  "é",
  "߿",
  "ࠀ",
  "語",
  "￿",
  "🐧",
  "\u{10ffff}",
];

function randomText(random: Random, length: number): string {
  return Array.from({ length }, () => random.pick(characters)).join("");
}

test("a text ends at the first NUL, or with its area", () => {
  expect(decodeUtf8(bytesOf("abc\0def"))).toBe("abc");
  expect(decodeUtf8(bytesOf("abc"))).toBe("abc");
  expect(decodeUtf8(bytesOf("\0abc"))).toBe("");
  expect(decodeUtf8(new Uint8Array())).toBe("");
  expect(untilNul(bytesOf("ab\0"))).toEqual(bytesOf("ab"));
});

test("a byte order mark is a character like any other", () => {
  expect(decodeUtf8(bytesOf("\ufeffkey"))).toBe("\ufeffkey");
  expect(decodeStrictUtf8(bytesOf("\ufeffkey"))).toBe("\ufeffkey");
});

const notUtf8: [string, number[]][] = [
  ["a lone continuation byte", [0x61, 0x80]],
  ["a sequence cut short", [0xe2, 0x82]],
  ["a sequence cut short by a NUL", [0xe2, 0x82, 0x00, 0xac]],
  ["an overlong slash", [0xc0, 0xaf]],
  ["a surrogate", [0xed, 0xa0, 0x80]],
  ["a code point past U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ["a byte that UTF-8 never has", [0xff]],
];

test.each(notUtf8)(
  "%s is refused where text must be UTF-8, and shown as U+FFFD elsewhere",
  (_, area) => {
    expect(decodeStrictUtf8(Uint8Array.from(area))).toBeUndefined();
    expect(decodeUtf8(Uint8Array.from(area))).toContain("\ufffd");
  },
);

test("what follows the NUL may be anything", () => {
  expect(decodeStrictUtf8(Uint8Array.of(0x61, 0, 0xff))).toBe("a");
});

test("a lone surrogate is written as U+FFFD, never as broken UTF-8", () => {
  expect(decodeStrictUtf8(encodeUtf8("a\ud800b"))).toBe("a\ufffdb");
});

test("a text is cut at units or bytes, whichever ends first, never inside a character", () => {
  expect(cutText("abc", { units: 2 })).toBe("ab");
  expect(cutText("a🐧b", { units: 2 })).toBe("a");
  expect(cutText("a🐧b", { units: 3 })).toBe("a🐧");
  expect(cutText("aé", { bytes: 2 })).toBe("a");
  expect(cutText("語語", { bytes: 5 })).toBe("語");
  expect(cutText("語語", { bytes: 6, units: 1 })).toBe("語");
  expect(cutText("abc", { units: 0 })).toBe("");
  expect(cutText("abc", {})).toBe("abc");
});

test("a cut text is the longest that keeps the limits", () => {
  forRandom("cutText", 500, (random) => {
    const text = randomText(random, random.below(20));
    const limits = { units: random.below(20), bytes: random.below(40) };
    const fits = (part: string) =>
      part.length <= limits.units && bytesOf(part).length <= limits.bytes;
    const cut = cutText(text, limits);
    expect(text.startsWith(cut)).toBe(true);
    expect(fits(cut)).toBe(true);
    const [next] = text.slice(cut.length);
    expect(next === undefined || !fits(cut + next)).toBe(true);
    expect(cut.isWellFormed()).toBe(true);
  });
});

test("a list is cut between items", () => {
  expect(cutList(["ab", "cd", "ef"], 5)).toEqual(["ab", "cd"]);
  expect(cutList(["ab", "cd", "ef"], 8)).toEqual(["ab", "cd", "ef"]);
  expect(cutList(["ab", "cd", "ef"], 7)).toEqual(["ab", "cd"]);
  expect(cutList(["abc"], 2)).toEqual([]);
  expect(cutList([], 0)).toEqual([]);
});

test("a list keeps its order: nothing after the first item that does not fit", () => {
  expect(cutList(["a", "long", "b"], 3)).toEqual(["a"]);
});

test("a cut list is the longest that keeps the limit", () => {
  forRandom("cutList", 300, (random) => {
    const items = Array.from({ length: random.below(8) }, () =>
      randomText(random, random.below(6)),
    );
    const units = random.below(30);
    const kept = cutList(items, units);
    expect(items.slice(0, kept.length)).toEqual(kept);
    expect(kept.join(";").length).toBeLessThanOrEqual(units);
    if (kept.length < items.length) {
      expect(items.slice(0, kept.length + 1).join(";").length).toBeGreaterThan(units);
    }
  });
});

test("UTF-16 is little-endian, and ends at its NUL or with its area", () => {
  const area = Uint8Array.of(0x61, 0x00, 0xe9, 0x00, 0x9e, 0x8a, 0x3d, 0xd8, 0x27, 0xdc);
  expect(decodeUtf16(area)).toBe("aé語🐧");
  expect(decodeUtf16(encodeUtf16("ab\0cd"))).toBe("ab");
  expect(decodeUtf16(new Uint8Array())).toBe("");
});

test("an odd byte at the end of a UTF-16 area is no character", () => {
  expect(decodeUtf16(Uint8Array.of(0x61, 0x00, 0x62))).toBe("a");
});

test.each(["\ud83d", "a\udc27", "\udc27\ud83d", "\ud83d\ud83d\udc27"])(
  "UTF-16 with a lone surrogate is refused (%#)",
  (text) => {
    expect(decodeUtf16(encodeUtf16(text))).toBeUndefined();
  },
);

test("a surrogate whose other half comes after the NUL is alone", () => {
  expect(decodeUtf16(encodeUtf16("\ud83d\0\udc27"))).toBeUndefined();
});

test("any well-formed text without NUL survives both encodings", () => {
  forRandom("encodings", 300, (random) => {
    const text = randomText(random, random.below(30));
    expect(decodeStrictUtf8(encodeUtf8(text))).toBe(text);
    expect(decodeUtf16(encodeUtf16(text))).toBe(text);
  });
});

test("any bytes decode to some text, or to undefined", () => {
  forRandom("random bytes", 500, (random) => {
    const area = random.bytes(random.below(40));
    expect(decodeUtf8(area).isWellFormed()).toBe(true);
    const strict = decodeStrictUtf8(area);
    if (strict !== undefined) {
      expect(encodeUtf8(strict)).toEqual(untilNul(area));
    }
    decodeUtf16(area);
  });
});
