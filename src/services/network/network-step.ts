// The separate step that applies a configuration: a unit of systemd with the rights
// that this takes (hvguest-network.socket), so that the agent needs none of them.
// It is given nothing but the host's request, and judges it by itself.

import { existsSync } from "node:fs";
import { RequestError, Status } from "../../protocol/status.ts";
import type { IpRequest } from "./ip-request.ts";

/** What the step answers: one line of JSON. */
export interface StepAnswer {
  /** The status for the host. */
  readonly status: number;
  /** What failed; empty when all went well. */
  readonly message: string;
}

/** Longer than the step takes by itself, shorter than the kernel waits. */
const patienceSeconds = 27;

function socketPath(run: string): string {
  return `${run}/network.socket`;
}

/** Whether somebody listens for requests; where not, the agent does it itself. */
export function hasStep(run: string): boolean {
  return existsSync(socketPath(run));
}

/** @throws RequestError with the status that the step answers, HV_E_FAIL when it does not */
export async function askStep(run: string, request: IpRequest, signal: AbortSignal): Promise<void> {
  const answer = await exchange(
    socketPath(run),
    `${JSON.stringify(request)}\n`,
    AbortSignal.any([signal, AbortSignal.timeout(patienceSeconds * 1000)]),
  );
  if (answer.status !== Status.ok) {
    const status = Object.values(Status).find((known) => known === answer.status) ?? Status.fail;
    throw new RequestError(status, answer.message);
  }
}

async function exchange(path: string, line: string, signal: AbortSignal): Promise<StepAnswer> {
  const done = Promise.withResolvers<string>();
  let received = "";
  const fail = (reason: string) =>
    done.reject(new RequestError(Status.fail, `ask the network step: ${reason}`));
  const onAbort = () => fail("no answer in time");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const socket = await Bun.connect({
      unix: path,
      socket: {
        data: (_, chunk) => {
          received += chunk.toString("utf8");
          if (received.endsWith("\n")) {
            done.resolve(received);
          }
        },
        close: () => fail("it ended without an answer"),
        error: (_, error) => fail(error.message),
        connectError: (_, error) => fail(error.message),
      },
    });
    socket.write(line);
    try {
      const answer: StepAnswer = JSON.parse(await done.promise);
      return answer;
    } finally {
      socket.end();
    }
  } catch (error) {
    throw error instanceof RequestError
      ? error
      : new RequestError(Status.fail, `ask the network step: ${String(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
