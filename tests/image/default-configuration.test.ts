import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { defaultConfiguration } from "../../src/image/default-configuration.ts";
import { defaultSettings } from "../../src/services/settings.ts";

test("the default configuration with its comments taken away is the defaults", () => {
  const uncommented = defaultConfiguration().replaceAll(/^#(?! )/gm, "");
  expect<unknown>(parse(uncommented)).toEqual(structuredClone(defaultSettings()));
});

test("the default configuration sets nothing", () => {
  const sections = Object.values(parse(defaultConfiguration()));
  expect(sections.length).toBeGreaterThan(0);
  expect(sections.every((section) => Object.keys(section as object).length === 0)).toBe(true);
});
