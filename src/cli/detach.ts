// Goes into the background once the service is registered with the kernel. Bun
// cannot fork: the background process is a new one, which tells us by a pipe.

import { closeSync, openSync, writeSync } from "node:fs";
import type { ServiceState } from "../agent/supervisor.ts";
import { CommandError, ExitStatus } from "./command.ts";

/** Set for the background process; the pipe is its descriptor 3. */
const variable = "HVGUEST_DETACHED";
const pipe = 3;

/**
 * Starts this program again in a session of its own and waits for its word.
 * @throws CommandError with status 69 when there is no device to register with.
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
  if (word === "waiting") {
    child.kill("SIGTERM");
    await child.exited;
    throw new CommandError("the host does not offer the service", ExitStatus.noDevice);
  }
  // It has said why, on the standard error that it shares with us.
  await child.exited;
  return ExitStatus.failed;
}

/** In the background process: what tells the waiting one how it went, once. */
export function detachedReporter(
  environment: Readonly<Record<string, string | undefined>>,
): ((state: ServiceState) => void) | undefined {
  if (environment[variable] === undefined) {
    return undefined;
  }
  return (state) => {
    if (state.phase === "registered") {
      // The lowest free descriptor is the one just closed: standard error.
      closeSync(2);
      openSync("/dev/null", "w");
    }
    writeSync(pipe, state.phase);
    closeSync(pipe);
  };
}
