// A running daemon, and what /proc tells of it.

import { readdirSync, readFileSync } from "node:fs";
import type { DaemonProgram } from "./daemons.ts";

export interface DaemonOptions {
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A descriptor to have as standard error; without it, what is written there is kept. */
  readonly stderr?: number;
  readonly cwd?: string;
}

export class DaemonProcess implements AsyncDisposable {
  readonly #child: Bun.Subprocess;
  readonly #stderrEnded: Promise<void>;
  #stderr = "";
  #onStderr: () => void = () => undefined;

  constructor(program: DaemonProgram, options: DaemonOptions = {}) {
    this.#child = Bun.spawn([...program.argv, ...(options.arguments ?? [])], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: options.stderr ?? "pipe",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.environment },
      cwd: options.cwd ?? "/",
    });
    const { stderr } = this.#child;
    this.#stderrEnded =
      stderr instanceof ReadableStream ? this.#collect(stderr) : Promise.resolve();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The exit status; 128 and the signal's number after a signal, as shells say it. */
  async exitStatus(): Promise<number> {
    return this.#child.exited;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** All that it wrote to standard error, once it has ended. */
  async stderr(): Promise<string> {
    await this.#stderrEnded;
    return this.#stderr;
  }

  /** Resolves when it has written `text` to standard error. */
  said(text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#onStderr = () => {
        if (this.#stderr.includes(text)) {
          resolve();
        }
      };
      this.#onStderr();
    });
  }

  get name(): string {
    return readFileSync(`/proc/${this.pid}/comm`, "utf8").trimEnd();
  }

  /**
   * The names of its threads, without those that Bun starts and ends as it sees fit. A
   * thread that has just begun has the name of the process still.
   */
  get threads(): string[] {
    const directory = `/proc/${this.pid}/task`;
    const names = readdirSync(directory).map((thread) => threadName(`${directory}/${thread}`));
    return names
      .filter((name) => name !== this.name && name !== "hvguest")
      .filter((name) => name !== "" && !/JIT|Heap|JSC|ollector|mi-scavenger|Bun/.test(name))
      .sort();
  }

  get descriptorCount(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      this.#stderr += decoder.decode(chunk, { stream: true });
      this.#onStderr();
    }
  }

  /** Ends it, without asking when it does not end by SIGTERM. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGCONT");
    this.kill("SIGTERM");
    const force = setTimeout(() => this.kill("SIGKILL"), 5000);
    await this.#child.exited;
    clearTimeout(force);
  }
}

/** The processes with this name that run now. */
export function processesNamed(name: string): number[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && nameAndState(entry).name === name)
    .filter((entry) => nameAndState(entry).state !== "Z")
    .map(Number);
}

/** Empty for a thread that ended between the listing and the look. */
function threadName(directory: string): string {
  try {
    return readFileSync(`${directory}/comm`, "utf8").trimEnd();
  } catch {
    return "";
  }
}

function nameAndState(pid: string): { name: string; state: string } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    return { name: stat.slice(stat.indexOf("(") + 1, end), state: stat.charAt(end + 2) };
  } catch {
    // It ended between the listing and the look.
    return { name: "", state: "Z" };
  }
}
