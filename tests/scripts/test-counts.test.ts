import { expect, test } from "bun:test";
import {
  countBun,
  countCargo,
  countClosingLine,
  countExit,
  nothing,
  sum,
} from "../../scripts/test-counts.ts";

const counts = (passed: number, failed: number, skipped = 0) => ({ passed, failed, skipped });

const bunOutput = (lines: readonly string[]) =>
  ["tests/a.test.ts:", "(pass) it says 3 pass [0.1ms]", "", ...lines].join("\n");

test("counts what bun test prints at its end", () => {
  const output = bunOutput([
    " 12 pass",
    " 2 skip",
    " 1 todo",
    " 0 fail",
    " 40 expect() calls",
    "Ran 15 tests across 3 files. [11.00ms]",
  ]);
  expect(countBun(output, 0)).toEqual(counts(12, 0, 3));
});

test("counts a single test", () => {
  const output = bunOutput([" 1 pass", " 0 fail", "Ran 1 test across 1 file. [7.00ms]"]);
  expect(countBun(output, 0)).toEqual(counts(1, 0));
});

test("failures of bun test stay as many as they are", () => {
  const output = bunOutput([" 3 pass", " 2 fail", "Ran 5 tests across 1 file. [1.00s]"]);
  expect(countBun(output, 1)).toEqual(counts(3, 2));
});

test.each([
  ["no test ran", bunOutput([" 0 pass", " 0 fail", "Ran 0 tests across 1 file. [1.00ms]"]), 0],
  ["it ended by itself", bunOutput([]), 0],
  ["nothing was printed", "", 0],
])("bun test has failed when %s, whatever its exit status", (_, output, status) => {
  expect(countBun(output, status)).toEqual(counts(0, 1));
});

test("bun test has failed when its exit status says so and no test does", () => {
  const output = bunOutput([" 3 pass", " 0 fail", "Ran 3 tests across 1 file. [1.00ms]"]);
  expect(countBun(output, 1)).toEqual(counts(3, 1));
});

test("adds up the targets of cargo test", () => {
  const output = [
    "running 3 tests",
    "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "   Doc-tests hv_native",
    "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
  ].join("\n");
  expect(countCargo(output, 0)).toEqual(counts(5, 0, 1));
  const failed = output.replace("ok. 2 passed; 0 failed", "FAILED. 1 passed; 1 failed");
  expect(countCargo(failed, 101)).toEqual(counts(4, 1, 1));
});

test("cargo that does not compile has failed", () => {
  expect(countCargo("error: could not compile `hv_native`", 101)).toEqual(counts(0, 1));
});

test("a check holds or does not", () => {
  expect(countExit("", 0)).toEqual(counts(1, 0));
  expect(countExit("", 2)).toEqual(counts(0, 1));
});

test("our own runners close with their counts", () => {
  expect(countClosingLine("1 passed, 1 failed\nx\n7 passed, 0 failed, 2 skipped\n", 0)).toEqual(
    counts(7, 0, 2),
  );
  expect(countClosingLine("7 passed, 0 failed", 0)).toEqual(counts(7, 0));
  expect(countClosingLine("7 passed, 0 failed", 1)).toEqual(counts(7, 1));
  expect(countClosingLine("", 0)).toEqual(counts(0, 1));
});

test("sums counts", () => {
  expect(sum([])).toEqual(nothing);
  expect(sum([counts(1, 2, 3), counts(10, 20, 30)])).toEqual(counts(11, 22, 33));
});
