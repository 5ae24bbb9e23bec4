// What the build makes: where it runs, and that it makes the same again.

import { expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addonPath } from "../../scripts/build-addon.ts";
import { compileExecutable } from "../../scripts/build.ts";
import { newestGlibcVersion, readElfMachine } from "../../scripts/elf.ts";
import { repository } from "../../scripts/process.ts";

test("the native part runs on this machine, with glibc 2.28 and later", () => {
  const addon = readFileSync(addonPath);
  expect(readElfMachine(addon)).toBe(process.arch);
  const [major = 0, minor = 0] = newestGlibcVersion(addon);
  expect(major * 1000 + minor).toBeLessThanOrEqual(2028);
});

test("the executable holds the native part as it was built", () => {
  const executable = readFileSync(join(repository, "dist/hvguest"));
  expect(executable.includes(readFileSync(addonPath))).toBe(true);
});

const parts = ["src", "dist", "packaging", "node_modules", "package.json", "tsconfig.json"];

/** Leaves out what is large and no part of the executable. */
function filter(path: string): boolean {
  const tools = /node_modules\/(@oven|@biomejs|@typescript|@napi-rs|@oxlint|oxlint|typescript)/;
  return path !== join(repository, "dist/hvguest") && !tools.test(path);
}

test("two checkouts in different places compile to the same bytes", () => {
  const digests = ["one", "another/place"].map((place) => {
    const directory = join(mkdtempSync(join(tmpdir(), "hvguest-build-")), place);
    mkdirSync(directory, { recursive: true });
    for (const part of parts) {
      cpSync(join(repository, part), join(directory, part), { recursive: true, filter });
    }
    const bytes = readFileSync(compileExecutable(directory));
    rmSync(directory, { recursive: true });
    return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  });
  expect(digests[0]).toBe(digests[1]);
}, 120_000);
