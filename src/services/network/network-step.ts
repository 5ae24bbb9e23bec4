// The separate step that applies a configuration: a unit of systemd with the rights
// that this takes (hvguest-network.socket), so that the agent needs none of them.
// It is given nothing but the host's request, and judges it by itself.

import { existsSync } from "node:fs";
import { RequestError, Status } from "../../protocol/status.ts";
import type { IpRequest } from "./ip-request.ts";

/** What the step is asked: one line of JSON. */
export type StepRequest =
  | {
      readonly ask: "configure";
      readonly request: IpRequest;
      /** CLOCK_MONOTONIC in milliseconds after which nobody waits for the answer. */
      readonly before: number;
    }
  /** Take back what a crash left half done. */
  | { readonly ask: "recover" };

/** What the step answers: one line of JSON. */
export interface StepAnswer {
  /** The status for the host. */
  readonly status: number;
  /** What failed, or what was done. */
  readonly message: string;
}

/** Longer than the step takes by itself, shorter than the kernel waits for an answer. */
const patienceMilliseconds = 27_000;

/** The socket outlives the agent, whose folder in /run goes with it. */
function socketPath(run: string): string {
  return `${run}-network.socket`;
}

/** Whether somebody listens for requests; where not, the agent does it itself. */
export function hasStep(run: string): boolean {
  return existsSync(socketPath(run));
}

/** CLOCK_MONOTONIC, which all processes share. */
export function monotonicMilliseconds(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/**
 * What the step did, in words. `arrived` is when the host's request did, by
 * {@link monotonicMilliseconds}: since then the host waits.
 * @throws RequestError with the status that the step answers, HV_E_FAIL when it does not
 */
export async function askStep(
  run: string,
  what: IpRequest | "recover",
  signal: AbortSignal,
  arrived = monotonicMilliseconds(),
): Promise<string> {
  const before = arrived + patienceMilliseconds;
  const request: StepRequest =
    what === "recover" ? { ask: "recover" } : { ask: "configure", request: what, before };
  const { status, message } = await exchange(
    socketPath(run),
    `${JSON.stringify(request)}\n`,
    AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, before - monotonicMilliseconds()))]),
  );
  if (status !== Status.ok) {
    const known = Object.values(Status).find((one) => one === status) ?? Status.fail;
    throw new RequestError(known, message);
  }
  return message;
}

/** A line that the step was sent. It runs with more rights than its senders: anything may come. */
export function parseStepRequest(line: string): StepRequest {
  const wrong = (cause?: unknown) =>
    new RequestError(Status.invalidArgument, "the step does not understand the request", { cause });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw wrong(error);
  }
  const fields = fieldsOf(value);
  if (fields.get("ask") === "recover") {
    return { ask: "recover" };
  }
  const request = fieldsOf(fields.get("request"));
  const text = (name: string): string => {
    const field = request.get(name);
    if (typeof field !== "string" || field.length > maxTextLength) {
      throw wrong();
    }
    return field;
  };
  const addressFamilies = request.get("addressFamilies");
  const dhcpEnabled = request.get("dhcpEnabled");
  const before = fields.get("before");
  if (
    fields.get("ask") !== "configure" ||
    typeof before !== "number" ||
    typeof addressFamilies !== "number" ||
    typeof dhcpEnabled !== "boolean"
  ) {
    throw wrong();
  }
  return {
    ask: "configure",
    before,
    request: {
      adapterId: text("adapterId"),
      addressFamilies,
      dhcpEnabled,
      addresses: text("addresses"),
      subnets: text("subnets"),
      gateways: text("gateways"),
      dnsServers: text("dnsServers"),
    },
  };
}

/** Longer than any text of struct hv_kvp_ipaddr_value. */
const maxTextLength = 4096;

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(typeof value === "object" && value !== null ? Object.entries(value) : []);
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
