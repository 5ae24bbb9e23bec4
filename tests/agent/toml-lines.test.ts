import { expect, test } from "bun:test";
import { keyLine } from "../../src/agent/toml-lines.ts";

const text = `# [kvp]
top = 1

[log]
  level = "info"
[ kvp ] # comment
enabled = true
[kvp.extra]
enabled = 1
[vss]
freeze.seconds = 3
`;

test("finds a section by its header, also with blanks and a comment", () => {
  expect(keyLine(text, "log")).toBe(4);
  expect(keyLine(text, "kvp")).toBe(6);
  expect(keyLine(text, "vss")).toBe(10);
});

test("finds a key in its own section", () => {
  expect(keyLine(text, "log", "level")).toBe(5);
  expect(keyLine(text, "kvp", "enabled")).toBe(7);
  expect(keyLine(text, "vss", "freeze")).toBe(11);
});

test("finds a key that is a table of its own by its header", () => {
  expect(keyLine(text, "kvp", "extra")).toBe(8);
});

test("finds a key that stands above all sections", () => {
  expect(keyLine(text, "top")).toBe(2);
});

test("says the section's line for a key that it does not find", () => {
  expect(keyLine(text, "vss", "quoted")).toBe(10);
  expect(keyLine("\nkvp = { enabled = 1 }", "kvp", "enabled")).toBe(2);
});

test("says line 1 for what it does not find", () => {
  expect(keyLine(text, "fcopy")).toBe(1);
  expect(keyLine('"kvp" = 1', "kvp")).toBe(1);
});
