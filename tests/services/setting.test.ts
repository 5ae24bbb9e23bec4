import { expect, test } from "bun:test";
import {
  absolutePath,
  boolean,
  defaultsOf,
  integer,
  oneOf,
  type Setting,
  SettingError,
  text,
  textList,
} from "../../src/services/setting.ts";

function refusal(setting: Setting<unknown>, value: unknown): string {
  try {
    setting.parse(value);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingError);
    return (error as Error).message;
  }
  throw new Error(`${JSON.stringify(value)} was taken`);
}

test("a boolean is true or false, and no word for it", () => {
  const setting = boolean(true, "Whether.");
  expect([setting.parse(true), setting.parse(false)]).toEqual([true, false]);
  for (const value of ["true", 1, 0, "", [], null]) {
    expect(refusal(setting, value)).toBe("need true or false");
  }
});

test("a number is whole and within its limits", () => {
  const setting = integer(5, { min: 1, max: 10 }, "How many.");
  expect([setting.parse(1), setting.parse(10)]).toEqual([1, 10]);
  for (const value of [0, 11, 1.5, Number.NaN, Infinity, "5", 5n]) {
    expect(refusal(setting, value)).toBe("need a whole number from 1 to 10");
  }
});

test("a text is a text, and what its check says", () => {
  const setting = text("", "A path.", absolutePath);
  expect(setting.parse("/etc")).toBe("/etc");
  expect(refusal(setting, "etc")).toBe("need an absolute path");
  expect(refusal(setting, 5)).toBe("need a text");
});

test("a list has texts alone, each checked", () => {
  const setting = textList([], "Paths.", absolutePath);
  expect(setting.parse([])).toEqual([]);
  expect(setting.parse(["/a", "/b"])).toEqual(["/a", "/b"]);
  expect(refusal(setting, "/a")).toBe("need a list of texts");
  expect(refusal(setting, ["/a", 1])).toBe("need a text");
  expect(refusal(setting, ["/a", "b"])).toBe("need an absolute path");
});

test("a choice is one of the words, exactly", () => {
  const setting = oneOf(["fail", "ignore"], "fail", "What to do.");
  expect(setting.parse("ignore")).toBe("ignore");
  for (const value of ["Fail", "", "toString", 0]) {
    expect(refusal(setting, value)).toBe('need one of "fail", "ignore"');
  }
});

test("a section has its defaults", () => {
  const section = { a: boolean(false, "A."), b: integer(3, { min: 0, max: 9 }, "B.") };
  expect(defaultsOf(section)).toEqual({ a: false, b: 3 });
});
