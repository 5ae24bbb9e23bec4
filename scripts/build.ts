// Makes dist/hvguest, the one executable, and runs it to see that it works.

import { existsSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildAddon } from "./build-addon.ts";
import { repository, run } from "./process.ts";

export const executablePath = join(repository, "dist/hvguest");

const flags = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  // Commands that need yargs load it; the daemons do not.
  "--splitting",
  // A root tool must not run what lies in the current directory.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
  "--reject-unresolved",
];

/** Builds the executable. @throws Error when a step fails or the result does not run. */
export function buildExecutable(): void {
  buildAddon();
  const compiled = compileExecutable(repository);
  renameSync(compiled, executablePath);
  // A failed bytecode compilation is only noticed by running the result.
  const printed = run([executablePath, "--version"], { quiet: true });
  if (!printed.startsWith(`hvguest ${packageVersion()} `)) {
    throw new Error(`${executablePath} --version printed: ${printed}`);
  }
}

/**
 * Compiles the checkout `directory`, whose addon is built, and returns the path of the
 * executable in it.
 */
export function compileExecutable(directory: string): string {
  const defines = {
    HVGUEST_VERSION: packageVersion(),
    HVGUEST_COMMIT: commit(),
  };
  // The name of the output is part of its bytes: it is always the same.
  const output = join(directory, "target/executable/hvguest");
  run(
    [
      process.execPath,
      "build",
      ...flags,
      ...Object.entries(defines).flatMap(([name, value]) => [
        "--define",
        `${name}=${JSON.stringify(value)}`,
      ]),
      `--outfile=${output}`,
      "src/main.ts",
    ],
    { quiet: true, cwd: directory },
  );
  return output;
}

function packageVersion(): string {
  const text = readFileSync(join(repository, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** The commit that is built; `HVGUEST_COMMIT` names it where there is no git. */
function commit(): string {
  const given = process.env["HVGUEST_COMMIT"];
  if (given !== undefined) {
    return given;
  }
  if (!existsSync(join(repository, ".git"))) {
    return "unknown";
  }
  return run(["git", "rev-parse", "--short=12", "HEAD"], { quiet: true }).trim();
}

if (import.meta.main) {
  buildExecutable();
  const megabytes = (statSync(executablePath).size / 1e6).toFixed(1);
  console.log(
    `dist/hvguest, ${megabytes} MB: ${run([executablePath, "--version"], { quiet: true })}`,
  );
}
