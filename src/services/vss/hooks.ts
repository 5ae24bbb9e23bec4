// Runs the hooks around a freeze.

import { basename } from "node:path";
import type { Log } from "../../log.ts";
import { type RunOptions, type RunResult, run } from "../../platform/run-command.ts";
import { findHooks, type Hook, HookError } from "./hook-files.ts";

/** Before the freeze all hooks together; the kernel waits 900 s for the whole. */
const allHooksMilliseconds = 600_000;
/** Kept of each hook's standard output and error. */
const outputBytes = 4096;

export interface HookOptions {
  readonly places: readonly string[];
  readonly seconds: number;
  readonly log: Log;
}

/** The hooks of one freeze that have been called with `freeze`. */
export class RunningHooks {
  readonly #options: HookOptions;
  readonly #called: Hook[] = [];

  constructor(options: HookOptions) {
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#called.map(({ path }) => path);
  }

  /**
   * Calls all hooks, one after the other; after a failure the following are not called.
   * @throws HookError, RunError when one fails, is too late, or `signal` is aborted;
   * {@link after} is due then too
   */
  async before(signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(allHooksMilliseconds)]);
    for (const hook of findHooks(this.#options.places)) {
      limit.throwIfAborted();
      this.#called.push(hook);
      await this.#call(hook, "freeze", limit);
    }
  }

  /** Calls those that were called before, in reverse; their failures are logged. */
  async after(outcome: "thawed" | "failed"): Promise<void> {
    for (const hook of this.#called.splice(0).toReversed()) {
      const word = outcome === "failed" ? hook.failureWord : "thaw";
      try {
        await this.#call(hook, word);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#options.log.error(`hook after the thaw: ${reason}`);
      }
    }
  }

  async #call(hook: Hook, word: string, signal?: AbortSignal): Promise<void> {
    const options: RunOptions = {
      timeoutSeconds: this.#options.seconds,
      maxOutputBytes: outputBytes,
      ...(signal === undefined ? {} : { signal }),
    };
    const result = await run(hook.path, [word], options);
    this.#show(hook, result);
    if (result.status !== 0) {
      const how = result.status === undefined ? "killed by a signal" : `status ${result.status}`;
      throw new HookError(`run '${hook.path} ${word}': ${how}`);
    }
  }

  #show(hook: Hook, { stdout, stderr }: RunResult): void {
    const log = this.#options.log.area(basename(hook.path));
    for (const line of `${stdout}\n${stderr}`.split("\n")) {
      if (line.trim() !== "") {
        log.info(line);
      }
    }
  }
}
