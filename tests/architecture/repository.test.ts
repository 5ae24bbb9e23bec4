// Holds what must never be in the repository, and how large a file may be.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";

const repository = join(import.meta.dir, "../..");

const listed = Bun.spawnSync(
  ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
  {
    cwd: repository,
    stdout: "pipe",
    stderr: "ignore",
  },
);

/** Files of text that are ours: not lock files, not what derives from QEMU. */
const files = listed.stdout
  .toString()
  .split("\0")
  .filter((path) => path !== "" && Bun.file(join(repository, path)).size > 0)
  .filter((path) => !/(^|\/)(package-lock\.json|Cargo\.lock|LICENSE)$/.test(path))
  .filter((path) => !path.startsWith("tests/lab/qemu/"))
  .map((path) => ({ path, text: readFileSync(join(repository, path), "utf8") }))
  .filter(({ text }) => !text.includes("\0"));

/** Places of a pattern, as `file:line: text`. */
function places(pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, index) =>
        pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [],
      ),
  );
}

/** Files with these endings that have more lines. */
function longer(limit: number, ...endings: readonly string[]): string[] {
  return files
    .filter(({ path }) => endings.includes(extname(path)))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > limit)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
}

// Outside of a checkout there is no git to ask.
const inCheckout = listed.exitCode === 0;

test.skipIf(!inCheckout)("there are files to look at", () => {
  expect(files.length).toBeGreaterThan(100);
});

test.skipIf(!inCheckout)("nothing is left to be done later", () => {
  // The words are put together here, so that this line is none of the places.
  expect(
    places(new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`)),
  ).toEqual([]);
});

test.skipIf(!inCheckout)("no path of the machine that it was written on is in it", () => {
  const homes = ["ro" + "ot", "ho" + "me/[a-z]+", "wo" + "rk"].join("|");
  expect(
    places(new RegExp(`(?<![\\w}])/(${homes})/`)).filter((place) => !/\$\{?HOME/.test(place)),
  ).toEqual([]);
});

test.skipIf(!inCheckout)("packages are named by name, not by the host they came from", () => {
  const lock = readFileSync(join(repository, "package-lock.json"), "utf8");
  expect(lock.match(/"resolved"/g) ?? []).toEqual([]);
  expect(places(/registry[.][a-z]+[.](org|com|io)|index[.]crates[.]io/)).toEqual([]);
});

test.skipIf(!inCheckout)("a file of code is one idea: at most 400 lines", () => {
  expect(longer(400, ".ts", ".rs", ".c", ".sh")).toEqual([]);
});

test.skipIf(!inCheckout)("a page of documentation is at most 400 lines", () => {
  expect(longer(400, ".md")).toEqual([]);
});

test.skipIf(!inCheckout)("every link in the documentation leads to a file", () => {
  const broken = files
    .filter(({ path }) => path.endsWith(".md"))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .filter((target) => !Bun.file(join(repository, path, "..", target)).size)
        .map((target) => `${path}: ${target}`),
    );
  expect(broken).toEqual([]);
});
