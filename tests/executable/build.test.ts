// What the build makes: where it runs, and that it makes the same again.

import { expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
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

test("two checkouts in different places compile to the same bytes", () => {
  const digests = ["one", "another/place"].map((place) => {
    const directory = join(mkdtempSync(join(tmpdir(), "hvguest-build-")), place);
    mkdirSync(directory, { recursive: true });
    for (const part of ["src", "dist", "packaging", "package.json", "tsconfig.json"]) {
      const skipped = join(repository, "dist/hvguest");
      const filter = (path: string) => path !== skipped;
      cpSync(join(repository, part), join(directory, part), { recursive: true, filter });
    }
    symlinkSync(join(repository, "node_modules"), join(directory, "node_modules"));
    const bytes = readFileSync(compileExecutable(directory));
    rmSync(directory, { recursive: true });
    return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  });
  expect(digests[0]).toBe(digests[1]);
}, 120_000);
