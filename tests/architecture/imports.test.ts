// Holds who may import whom: the sentence that each rule enforces is its name.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const source = join(import.meta.dir, "../../src");

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every import of src; paths are relative to src, packages are as written. */
const imports: readonly Import[] = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
  .flatMap((path) => {
    const text = readFileSync(join(source, path), "utf8");
    const specifiers = text.matchAll(/(?:from|import\(|import|require\()\s*"([^"]+)"/g);
    return [...specifiers].map(([, specifier = ""]) => ({
      from: path,
      to: specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : specifier,
    }));
  });

/** Which folders a folder may import from, besides itself, packages and the log. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "main.ts": ["cli", "agent"],
  cli: ["agent", "image", "services", "protocol", "transport", "platform", "native"],
  image: ["services", "protocol", "platform", "native"],
  agent: ["services", "transport", "platform", "native"],
  services: ["protocol", "transport", "platform", "native"],
  transport: ["native", "protocol"],
  platform: ["native"],
  protocol: [],
  native: [],
};

const folderOf = (path: string) => path.split("/")[0] ?? "";
const isOurs = (path: string) => folderOf(path) in allowed;

test("imports point one way: main, cli, agent, services, then protocol, transport, platform, then native", () => {
  const wrong = imports.filter(
    ({ from, to }) =>
      isOurs(from) &&
      isOurs(to) &&
      folderOf(from) !== folderOf(to) &&
      !allowed[folderOf(from)]?.includes(folderOf(to)),
  );
  expect(wrong).toEqual([]);
});

test("protocol code is pure: it imports nothing of Node, Bun or any package", () => {
  const wrong = imports.filter(
    ({ from, to }) => folderOf(from) === "protocol" && folderOf(to) !== "protocol",
  );
  expect(wrong).toEqual([]);
});

test("one file loads the native module", () => {
  const loaders = imports.filter(({ to }) => to.endsWith(".so")).map(({ from }) => from);
  expect(loaders).toEqual(["native/binding.ts"]);
});

test("only main, cli, agent and services log", () => {
  const loggers = imports.filter(({ to }) => to === "log.ts").map(({ from }) => folderOf(from));
  expect(new Set(loggers).isSubsetOf(new Set(["main.ts", "cli", "agent", "services"]))).toBe(true);
});

test("every import of ours ends in .ts", () => {
  const wrong = imports.filter(
    ({ to }) => isOurs(to) && !to.endsWith(".ts") && !to.endsWith(".so"),
  );
  expect(wrong).toEqual([]);
});
