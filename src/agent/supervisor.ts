// Keeps one service connected: waits for the host's offer, serves, and starts anew
// after a fault with growing pauses.

import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log.ts";
import type { Service } from "../services/service.ts";
import { ChannelClosed } from "../transport/channel.ts";
import type { DeviceChanges } from "./device-changes.ts";

/** What a service is doing, for status texts. */
export type ServiceState =
  | { readonly phase: "starting" }
  /** The host does not offer the service, or it has just been withdrawn. */
  | { readonly phase: "waiting" }
  | { readonly phase: "registered" }
  | { readonly phase: "failed"; readonly reason: string };

export interface SupervisorOptions {
  readonly service: Service;
  readonly devices: Pick<DeviceChanges, "generation" | "after">;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onState: (state: ServiceState) => void;
  /** A fault before the first registration ends it, instead of another try. */
  readonly firstFaultEnds: boolean;
  /** Waits; resolves early when the signal is aborted. */
  readonly pause?: (seconds: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
}

/** Seconds before each further try after failures without a registration between them. */
const pauses = [0, 1, 2, 5, 10, 30, 60];

/**
 * A registered service that fails sooner does so again, likely: its host still waits,
 * so it is tried at once the first time, and after as long a pause from then on.
 */
const soonMilliseconds = 1000;

/** Runs the service until `signal` is aborted. @throws the first fault, where that ends it. */
export async function supervise(options: SupervisorOptions): Promise<void> {
  const { service, devices, log, signal, pause = pauseFor } = options;
  let failures = 0;
  let soonFaults = 0;
  let everRegistered = false;
  while (!signal.aborted) {
    const generation = devices.generation;
    const outcome = await connectAndServe(options);
    if (outcome.registered) {
      everRegistered = true;
      failures = 0;
    }
    const seconds = pauses[Math.min(failures, pauses.length - 1)] ?? 0;
    switch (outcome.kind) {
      case "ended":
        if (!outcome.registered) {
          // It opens, but ends before it can be served: looking again at once may find the same.
          failures += 1;
          await pause(seconds, signal);
        }
        break;
      case "absent":
        options.onState({ phase: "waiting" });
        await devices.after(generation, signal);
        break;
      case "fault": {
        if (options.firstFaultEnds && !everRegistered) {
          options.onState({ phase: "failed", reason: outcome.reason });
          await service.stop();
          throw outcome.error;
        }
        failures += 1;
        soonFaults = outcome.isSoon ? soonFaults + 1 : 0;
        const rest = soonFaults > 1 ? Math.max(seconds, soonMilliseconds / 1000) : seconds;
        const next = rest === 0 ? "registering again" : `trying again in ${rest} s`;
        log.warning(`${outcome.reason}, ${next}`);
        options.onState({ phase: "failed", reason: outcome.reason });
        await pause(rest, signal);
        break;
      }
    }
  }
  await service.stop();
}

type Outcome =
  | { readonly kind: "ended"; readonly registered: boolean }
  | { readonly kind: "absent"; readonly registered: false }
  | {
      readonly kind: "fault";
      readonly registered: boolean;
      /** It had been registered, for less than {@link soonMilliseconds}. */
      readonly isSoon: boolean;
      readonly reason: string;
      readonly error: unknown;
    };

async function connectAndServe(options: SupervisorOptions): Promise<Outcome> {
  const { service, signal, onState, log, now = () => performance.now() } = options;
  let registered = false;
  let registeredAt = Number.NEGATIVE_INFINITY;
  const ready = () => {
    registered = true;
    registeredAt = now();
    onState({ phase: "registered" });
  };
  try {
    const channel = await service.connect();
    if (channel === undefined) {
      return { kind: "absent", registered: false };
    }
    try {
      await service.serve(channel, ready, signal);
    } finally {
      channel.close();
    }
    return { kind: "ended", registered };
  } catch (error) {
    if (error instanceof ChannelClosed) {
      if (!signal.aborted) {
        log.notice(error.message);
      }
      return { kind: "ended", registered };
    }
    const reason = error instanceof Error ? error.message : String(error);
    const isSoon = now() - registeredAt < soonMilliseconds;
    return { kind: "fault", registered, isSoon, reason, error };
  }
}

async function pauseFor(seconds: number, signal: AbortSignal): Promise<void> {
  if (seconds === 0) {
    return;
  }
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) {
      throw error;
    }
  }
}
