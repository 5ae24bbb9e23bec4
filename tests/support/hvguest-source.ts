// Runs the program from its source, in a process of its own.

import { join } from "node:path";
import { daemonRuntime } from "../../src/cli/daemon-runtime.ts";

const repository = join(import.meta.dir, "../..");

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Arguments for Bun that run src/main.ts as version 1.2.3, commit abcdef. */
export const fromSource: readonly string[] = [
  process.execPath,
  "--define",
  'HVGUEST_VERSION="1.2.3"',
  "--define",
  'HVGUEST_COMMIT="abcdef"',
  join(repository, "src/main.ts"),
];

/**
 * Runs it to its end. It sees no device, unless the environment says where one is,
 * and an empty standard input by default.
 */
export function hvguest(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  input: string | Uint8Array = "",
): Ended {
  const ended = Bun.spawnSync([...fromSource, ...args], {
    cwd: "/",
    env: {
      PATH: "/usr/sbin:/usr/bin",
      HVGUEST_KERNEL_ROOT: "/nonexistent",
      // With it a daemon does not execute itself once more, which would be Bun here.
      ...daemonRuntime,
      ...environment,
    },
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    status: ended.exitCode,
    stdout: ended.stdout.toString(),
    stderr: ended.stderr.toString(),
  };
}
