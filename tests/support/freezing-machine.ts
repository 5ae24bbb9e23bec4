// hvguest with its own configuration on a private machine, and the programs that
// freeze: the command, and the daemon on the fake kernel.

import { type ChildProcess, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { until } from "./until.ts";

export const executable = join(import.meta.dir, "../../dist/hvguest");
/** The name by which the executable is the backup daemon alone. */
const daemonName = "/run/hv_vss_daemon";
export const marker = "/run/hvguest/vss-frozen";

/** Writes the section [vss] and forgets what earlier tests have left. */
export function configure(vss: Readonly<Record<string, unknown>> = {}): void {
  rmSync("/run/hvguest", { recursive: true, force: true });
  mkdirSync("/etc/hvguest", { recursive: true });
  const lines = Object.entries({ hooks: [], ...vss }).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}\n`,
  );
  writeFileSync("/etc/hvguest/hvguest.toml", `[vss]\n${lines.join("")}`);
}

/** A command of hvguest. */
export function startCommand(...args: readonly string[]): Running {
  return new Running(executable, ...args);
}

/** The backup daemon alone, as distributions start it. */
export function startDaemon(): Running {
  rmSync(daemonName, { force: true });
  symlinkSync(executable, daemonName);
  return new Running(daemonName, "-n");
}

/** A running hvguest. */
export class Running implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly exited: Promise<number | null>;
  errors = "";

  constructor(program: string, ...args: readonly string[]) {
    this.process = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.errors += chunk.toString("utf8");
    });
    this.exited = new Promise((resolve) => {
      this.process.on("exit", resolve);
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Waits for a text in what it has logged. */
  logged(text: string): Promise<boolean> {
    return until(() => this.errors.includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill("SIGCONT");
    this.kill("SIGKILL");
    await this.exited;
  }
}

/** Resolves once the marker says that file systems are being frozen. */
export function untilFreezing(): Promise<boolean> {
  return until(isMarked);
}

export function isMarked(): boolean {
  return existsSync(marker) && statSync(marker).size > 0;
}

/** The processes with this name. */
export function processesCalled(name: string): readonly number[] {
  return readdirSync("/proc").flatMap((entry) => {
    try {
      return readFileSync(`/proc/${entry}/comm`, "utf8") === `${name}\n` ? [Number(entry)] : [];
    } catch {
      // No process, or one that has just ended.
      return [];
    }
  });
}

/** Kills the processes with this name. */
export function killAllCalled(name: string): void {
  for (const id of processesCalled(name)) {
    process.kill(id, "SIGKILL");
  }
}
