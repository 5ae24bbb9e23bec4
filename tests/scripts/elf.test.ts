import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { newestGlibcVersion, readElfMachine } from "../../scripts/elf.ts";

/** The first bytes of an ELF file for a machine; see elf(5). */
function elf(machine: number): Uint8Array {
  const image = new Uint8Array(64);
  image.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  new DataView(image.buffer).setUint16(18, machine, true);
  return image;
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("tells the machine that a file is for, by Node's name", () => {
  expect(readElfMachine(elf(62))).toBe("x64");
  expect(readElfMachine(elf(183))).toBe("arm64");
  expect(readElfMachine(elf(243))).toBe("machine 243");
});

test("reads this very program", () => {
  expect(readElfMachine(readFileSync(process.execPath))).toBe(process.arch);
});

test("reads a file inside a larger buffer", () => {
  const whole = new Uint8Array(70);
  whole.set(elf(62), 6);
  expect(readElfMachine(whole.subarray(6))).toBe("x64");
});

test.each([
  ["nothing", new Uint8Array()],
  ["a header cut short", elf(62).subarray(0, 19)],
  ["a script", bytes("#!/bin/sh\nexit 0 # long enough")],
])("%s is not ELF", (_, image) => {
  expect(() => readElfMachine(image)).toThrow("not an ELF file");
});

test("finds the newest glibc by number, not by text", () => {
  expect(newestGlibcVersion(bytes("GLIBC_2.9\0GLIBC_2.28\0GLIBC_2.2.5\0GLIBC_2.17\0"))).toEqual([
    2, 28,
  ]);
  expect(newestGlibcVersion(bytes("GLIBC_3.0 GLIBC_2.99"))).toEqual([3, 0]);
});

test("a file that asks for no glibc has version 0", () => {
  expect(newestGlibcVersion(bytes("GLIBC_PRIVATE GLIBCXX_3.4"))).toEqual([0, 0]);
});
