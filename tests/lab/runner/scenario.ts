// What a scenario is. Scenarios are lists in ../scenarios/*.ts, joined in ../scenarios/all.ts.

import type { GuestName } from "../vm/cache.ts";
import type { SystemMachineOptions } from "../vm/system-machine.ts";
import type { ServiceName } from "../vm/vmbus-devices.ts";
import type { Context } from "./context.ts";

/** Whose daemon is judged: ours, or the C daemon that the guest's Debian ships. */
export type Who = "ours" | "c";

export const defaultGuests: readonly GuestName[] = ["g61", "g612", "g7"];

/** One thing that a host does to a guest, and what must come of it. */
export interface Scenario {
  /** A sentence of behaviour; unique. */
  readonly name: string;
  /** The service that is judged: its daemon is started before `run`. */
  readonly service: ServiceName;
  /** The guests that it runs on; all three with an initramfs by default. */
  readonly guests?: readonly GuestName[];
  /** Whom it judges; both by default. */
  readonly who?: readonly Who[];
  /** Whether the daemon is started and ready for requests before `run` (the default). */
  readonly daemon?: "ready" | "none";
  /** Deadline; 60 s by default. */
  readonly seconds?: number;
  /** On `gsys`: how its machine, which is this scenario's alone, is started. */
  readonly system?: Pick<SystemMachineOptions, "network" | "cloudInit" | "seed" | "mask">;
  /** Whose guest is of no use afterwards: the next scenario gets another one. */
  readonly ruinsGuest?: readonly Who[];
  /** What is not built yet; the scenario is listed as pending. */
  readonly pending?: string;
  run(context: Context): Promise<void>;
}

/** What became of a scenario. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly guest: GuestName;
  readonly who: Who;
  readonly result: "passed" | "passed on the second try" | "failed" | "pending";
  readonly milliseconds: number;
  /** Why it failed (the first time). */
  readonly reason?: string;
  readonly observations: Readonly<Record<string, string>>;
}
