// The one way in which hvguest runs a program: an absolute path and its
// arguments, never a shell; a fixed environment; an end in time.

import { accessSync, constants } from "node:fs";

/** Where programs are looked for: what a system's own daemons use (sd-daemon, crond). */
const programDirectories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"] as const;

const fixedEnvironment = { PATH: programDirectories.join(":"), LC_ALL: "C.UTF-8", HOME: "/" };

/** How long a killed program's descendants may hold its output before it is given up. */
const afterlifeMilliseconds = 1000;

export interface RunOptions {
  /** After this the program and all of its process group are killed. */
  readonly timeoutSeconds: number;
  /** Kills as the timeout does. */
  readonly signal?: AbortSignal;
  /** Given on standard input, which is otherwise empty. */
  readonly input?: string;
  /** Of each of standard output and error; the rest is read and dropped. */
  readonly maxOutputBytes?: number;
  /** Added to PATH, LC_ALL and HOME. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunResult {
  /** The exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program could not be started, was killed, or ended with a status that is not 0. */
export class RunError extends Error {
  override readonly name = "RunError";
}

/** The absolute path of a program of the system; undefined when it is not installed. */
export function findProgram(
  name: string,
  directories: readonly string[] = programDirectories,
): string | undefined {
  return directories.map((directory) => `${directory}/${name}`).find(isExecutable);
}

/**
 * Runs a program to its end, whatever its status.
 * @throws RunError when it cannot be started, does not end in time, or is aborted
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const child = start(program, args, options);
  const limit = options.maxOutputBytes ?? 64 * 1024;
  const givenUp = new AbortController();
  let stopped = false;
  let afterlife: Timer | undefined;
  const outputs = new AbortController();
  const stop = () => {
    stopped = true;
    killGroup(child.pid);
    clearTimeout(afterlife);
    afterlife = setTimeout(() => {
      outputs.abort();
      givenUp.abort();
    }, afterlifeMilliseconds);
  };
  const deadline = setTimeout(stop, options.timeoutSeconds * 1000);
  options.signal?.addEventListener("abort", stop, { once: true });
  // What it has started and left behind may hold its output for ever.
  void child.exited.then(() => {
    afterlife ??= setTimeout(() => outputs.abort(), afterlifeMilliseconds);
  });
  try {
    const ended = await Promise.race([
      Promise.all([
        textOf(child.stdout, limit, outputs.signal),
        textOf(child.stderr, limit, outputs.signal),
        child.exited,
      ]),
      whenAborted(givenUp.signal),
    ]);
    if (ended === undefined || stopped) {
      options.signal?.throwIfAborted();
      throw new RunError(`run '${program}': not done after ${options.timeoutSeconds} s, killed`);
    }
    return { status: child.exitCode ?? undefined, stdout: ended[0], stderr: ended[1] };
  } finally {
    clearTimeout(deadline);
    clearTimeout(afterlife);
    options.signal?.removeEventListener("abort", stop);
  }
}

/**
 * Runs a program that must succeed, and gives its standard output.
 * @throws RunError also when its status is not 0, with the last line that it complained
 */
export async function runOrThrow(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, options);
  if (status !== 0) {
    const complaint = (stderr.trim() || stdout.trim()).split("\n").at(-1) ?? "";
    const how = status === undefined ? "killed by a signal" : `status ${status}`;
    throw new RunError(`run '${program}': ${how}${complaint === "" ? "" : `: ${complaint}`}`);
  }
  return stdout;
}

function start(program: string, args: readonly string[], options: RunOptions) {
  if (!program.startsWith("/")) {
    throw new RunError(`run '${program}': not an absolute path`);
  }
  try {
    return Bun.spawn([program, ...args], {
      cwd: "/",
      env: { ...fixedEnvironment, ...options.environment },
      stdin: options.input === undefined ? "ignore" : new Blob([options.input]),
      stdout: "pipe",
      stderr: "pipe",
      // Its own session, and so its own process group.
      detached: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RunError(`run '${program}': ${reason}`, { cause: error });
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // ESRCH: all of it has ended.
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** What came until the end of the stream, or until it was given up. */
async function textOf(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  givenUp: AbortSignal,
): Promise<string> {
  const reader = stream.getReader();
  const end = whenAborted(givenUp);
  const chunks: Uint8Array[] = [];
  let kept = 0;
  for (;;) {
    // A read that waits does not always end by cancel().
    const next = await Promise.race([reader.read(), end]);
    if (next === undefined || next.done) {
      // Nobody is left to tell what the end of the stream says.
      reader.cancel().catch(() => undefined);
      return Buffer.concat(chunks).toString("utf8");
    }
    const part = next.value.subarray(0, limit - kept);
    kept += part.length;
    if (part.length > 0) {
      chunks.push(part);
    }
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us.
    return false;
  }
}
