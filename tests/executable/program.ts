// Runs the compiled program as an operator would.

import { executable } from "../contract/daemons.ts";

export { executable };

export interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export function hvguest(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return runProgram([executable, ...args], options);
}

export async function runProgram(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  const child = Bun.spawn([...argv], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    cwd: options.cwd ?? "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.environment },
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}
