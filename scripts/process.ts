// Runs the programs that the project's scripts need.

import { join } from "node:path";

/** The root of the checkout. */
export const repository = join(import.meta.dir, "..");

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Keeps what it prints, and shows it only when it fails. */
  readonly quiet?: boolean;
}

/** Runs a program to its end. @throws Error when its exit status is not 0. */
export function run(argv: readonly string[], options: RunOptions = {}): string {
  const output = options.quiet === true ? "pipe" : "inherit";
  const result = Bun.spawnSync([...argv], {
    cwd: options.cwd ?? repository,
    env: { ...process.env, ...options.environment },
    stdin: "ignore",
    stdout: output,
    stderr: output,
  });
  const printed = `${result.stdout?.toString() ?? ""}${result.stderr?.toString() ?? ""}`;
  if (result.exitCode !== 0) {
    throw new Error(`${argv.join(" ")}: exit status ${result.exitCode}\n${printed}`.trimEnd());
  }
  return printed;
}
