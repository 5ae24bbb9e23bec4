// Builds the native module with the pinned @napi-rs/cli into dist/hv_native.so.

import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newestGlibcVersion, readElfMachine } from "./elf.ts";
import { repository, run } from "./process.ts";

export const addonPath = join(repository, "dist/hv_native.so");

/** The newest glibc that may be asked for: RHEL 8 and its clones. */
const glibcLimit = [2, 28];

/** Builds the addon and checks that it loads where it must. @throws Error when it would not. */
export function buildAddon(): void {
  const crate = join(repository, "crates/hv_native");
  const output = join(repository, "target/addon");
  mkdirSync(output, { recursive: true });
  mkdirSync(join(repository, "dist"), { recursive: true });
  run(
    [
      process.execPath,
      join(repository, "node_modules/@napi-rs/cli/dist/cli.js"),
      "build",
      "--release",
      "--no-js",
      "--cwd",
      crate,
      "--target-dir",
      join(repository, "target"),
      "--package-json-path",
      join(repository, "package.json"),
      "--output-dir",
      output,
    ],
    { quiet: true },
  );
  copyFileSync(join(output, "index.node"), addonPath);
  checkAddon(readFileSync(addonPath));
}

function checkAddon(image: Uint8Array): void {
  const machine = readElfMachine(image);
  if (machine !== process.arch) {
    throw new Error(`the addon is built for ${machine}, not for ${process.arch}`);
  }
  const newest = newestGlibcVersion(image);
  const [major = 0, minor = 0] = newest;
  if (major > (glibcLimit[0] ?? 0) || (major === glibcLimit[0] && minor > (glibcLimit[1] ?? 0))) {
    throw new Error(
      `the addon needs glibc ${newest.join(".")}, newer than ${glibcLimit.join(".")}`,
    );
  }
}

if (import.meta.main) {
  buildAddon();
}
