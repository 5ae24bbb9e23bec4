import { expect, test } from "bun:test";
import { textOfName } from "../../src/platform/file-name.ts";

test("names that are UTF-8 are what they are", () => {
  for (const name of ["/mnt/é", "/mnt/💾\n", "/mnt/\ufffd", "/mnt/\uf000"]) {
    expect(textOfName(Buffer.from(name))).toBe(name);
  }
});

test("bytes that are not UTF-8 have code points of their own", () => {
  expect(textOfName(Buffer.from([0x2f, 0xff, 0x61, 0xc3, 0xa9, 0xc3]))).toBe("/\uefffaé\uefc3");
  // A surrogate, and a character that was cut.
  expect(textOfName(Buffer.from([0xed, 0xa0, 0x80, 0xf0, 0x9f]))).toBe(
    "\uefed\uefa0\uef80\ueff0\uef9f",
  );
});

test("a name that has such a code point itself is told by its bytes", () => {
  expect(textOfName(Buffer.from("\uef80"))).toBe("\uefee\uefbe\uef80");
});
