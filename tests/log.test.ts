import { expect, test } from "bun:test";
import { fstatSync } from "node:fs";
import { isJournal, type Level, Logger } from "../src/log.ts";

function logger(level: Level, journal = false): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  return { logger: new Logger({ sink: (line) => lines.push(line), level, journal }), lines };
}

test("for people a line begins with its level, for a journal with its priority", () => {
  for (const [journal, wanted] of [
    [
      false,
      ["error: a: 1\n", "warning: a: 2\n", "notice: a: 3\n", "info: a: 4\n", "debug: a: 5\n"],
    ],
    [true, ["<3>a: 1\n", "<4>a: 2\n", "<5>a: 3\n", "<6>a: 4\n", "<7>a: 5\n"]],
  ] as const) {
    const { logger: all, lines } = logger("debug", journal);
    const log = all.log("a");
    log.error("1");
    log.warning("2");
    log.notice("3");
    log.info("4");
    log.debug(() => "5");
    expect(lines).toEqual([...wanted]);
  }
});

test("an area below another carries both names", () => {
  const { logger: all, lines } = logger("info");
  all.log("kvp").area("pool").info("text");
  expect(lines).toEqual(["info: kvp.pool: text\n"]);
});

test("a level hides what is less important, and can be changed", () => {
  const { logger: all, lines } = logger("warning");
  const log = all.log("a");
  log.notice("hidden");
  log.warning("shown");
  all.setLevel("notice");
  log.notice("shown now");
  expect(lines).toEqual(["warning: a: shown\n", "notice: a: shown now\n"]);
});

test("the text of a debug line is made only when it is shown", () => {
  const { logger: all, lines } = logger("info");
  all.log("a").debug(() => {
    throw new Error("not to be made");
  });
  expect(lines).toEqual([]);
});

test("a line stays one line, with control characters made visible", () => {
  const { logger: all, lines } = logger("info", true);
  all.log("a").info("x\n<0>y\r\0\u001b[31m\u007f\u0085\u2028é");
  expect(lines).toEqual(["<6>a: x\\x0a<0>y\\x0d\\x00\\x1b[31m\\x7f\\x85\\x2028é\n"]);
});

test("held lines come at the release, in order", () => {
  const { logger: all, lines } = logger("info");
  const log = all.log("a");
  log.info("before");
  all.hold();
  log.info("first");
  log.info("second");
  expect(lines).toEqual(["info: a: before\n"]);
  all.release();
  log.info("after");
  expect(lines.slice(1)).toEqual(["info: a: first\n", "info: a: second\n", "info: a: after\n"]);
});

test("holding twice keeps what is held, and releasing twice writes it once", () => {
  const { logger: all, lines } = logger("info");
  all.hold();
  all.log("a").info("1");
  all.hold();
  all.log("a").info("2");
  all.release();
  all.release();
  expect(lines).toEqual(["info: a: 1\n", "info: a: 2\n"]);
});

test("of more than a thousand held lines the first thousand are kept, and the rest counted", () => {
  const { logger: all, lines } = logger("info");
  all.hold();
  for (let count = 0; count < 1003; count += 1) {
    all.log("a").info(String(count));
  }
  all.release();
  expect(lines).toHaveLength(1001);
  expect(lines[999]).toBe("info: a: 999\n");
  expect(lines[1000]).toBe("warning: log: 3 lines were dropped while file systems were frozen\n");
  all.hold();
  all.release();
  expect(lines).toHaveLength(1001);
});

test("standard error is a journal when JOURNAL_STREAM names it", () => {
  const { dev, ino } = fstatSync(2);
  expect(isJournal({})).toBe(false);
  expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino + 1}` })).toBe(false);
  expect(isJournal({ JOURNAL_STREAM: `${dev}:${ino}` })).toBe(true);
});
