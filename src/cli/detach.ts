// Goes into the background once the service is registered with the kernel. Bun
// cannot fork: the background process is a new one, which tells us by a pipe.

import { closeSync, writeSync } from "node:fs";
import type { ServiceState } from "../agent/supervisor.ts";
import { CommandError, ExitStatus } from "./command.ts";

/** Set for the background process; the pipe is its descriptor 3. */
const variable = "HVGUEST_DETACHED";
const pipe = 3;

/**
 * Starts this program again in a session of its own and waits for its word.
 * @throws CommandError when it could not register; with status 69 without a device.
 */
export async function detach(args: readonly string[]): Promise<ExitStatus> {
  const child = Bun.spawn([process.execPath, ...args], {
    argv0: process.argv0,
    cwd: "/",
    env: { ...process.env, [variable]: "1" },
    stdio: ["ignore", "ignore", "inherit", "pipe"],
    detached: true,
  });
  const word = await Bun.file(child.stdio[pipe] as number).text();
  if (word === "registered") {
    child.unref();
    return ExitStatus.done;
  }
  child.kill("SIGTERM");
  const status = await child.exited;
  if (word === "waiting") {
    throw new CommandError("the host does not offer the service", ExitStatus.noDevice);
  }
  throw new CommandError(word === "" ? `the daemon ended with exit status ${status}` : word);
}

/** In the background process: what tells the waiting one how it went, once. */
export function detachedReporter(
  environment: Readonly<Record<string, string | undefined>>,
): ((state: ServiceState) => void) | undefined {
  if (environment[variable] === undefined) {
    return undefined;
  }
  return (state) => {
    writeSync(pipe, state.phase === "failed" ? state.reason : state.phase);
    closeSync(pipe);
  };
}
