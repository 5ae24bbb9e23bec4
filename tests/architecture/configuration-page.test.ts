import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { configurationPage, configurationPagePath } from "../../scripts/configuration-page.ts";
import { sections } from "../../src/services/settings.ts";

test("docs/configuration.md is what scripts/configuration-page.ts writes", () => {
  expect(readFileSync(configurationPagePath, "utf8")).toBe(configurationPage());
});

test("every setting is described in one sentence", () => {
  const wrong = Object.entries(sections).flatMap(([name, section]) =>
    Object.entries(section)
      .filter(([, { description }]) => !/^[^\n]{10,140}\.$/.test(description))
      .map(([key, { description }]) => `[${name}] ${key}: ${description}`),
  );
  expect(wrong).toEqual([]);
});
