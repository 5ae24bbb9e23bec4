// What every back-end is: somebody who may manage an interface, and who can say
// how to give it a configuration.

import type { IpConfiguration } from "./ip-configuration.ts";
import type { IpRequest } from "./ip-request.ts";
import type { Machine } from "./machine.ts";
import type { ManagerName, Plan } from "./plan.ts";

export interface Target {
  readonly name: string;
  readonly index: number;
  /** `00:15:5D:…` */
  readonly mac: string;
}

export interface Wish {
  readonly target: Target;
  readonly configuration: IpConfiguration;
  /** The same in the words of the host. */
  readonly request: IpRequest;
}

export interface Manager {
  readonly name: ManagerName;
  /** Whether it has the interface now: asked of it, not guessed. */
  manages(target: Target, machine: Machine): Promise<boolean>;
  /** Whether it will be started, and read its files, later in a machine that is starting. */
  startsLater?(machine: Machine): Promise<boolean>;
  /** @throws PlanError when it cannot be done this way */
  plan(wish: Wish, machine: Machine): Promise<Plan>;
}

/** A configuration cannot be given by this manager; the message says why. */
export class PlanError extends Error {
  override readonly name = "PlanError";
}

/** @throws PlanError when the program is not installed */
export function requireProgram(machine: Machine, name: string): string {
  const program = machine.program(name);
  if (program === undefined) {
    throw new PlanError(`'${name}' is not installed`);
  }
  return program;
}

/**
 * Managers that are shell scripts put the interface's name into commands.
 * @throws PlanError for a name that a shell would not take as it is
 */
export function requirePlainName({ name }: Target): void {
  if (!isPlainName(name)) {
    throw new PlanError(`the interface's name '${name}' is not safe in a shell script`);
  }
}

export function isPlainName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.:@-]*$/.test(name);
}

/** Whether systemd is to start the unit at boot. */
export async function isUnitEnabled(machine: Machine, unit: string): Promise<boolean> {
  return (await machine.ask("systemctl", "is-enabled", unit))?.status === 0;
}

/** The first line of every file that is ours alone. */
export const ownFileComment =
  "# Written by hvguest for the Hyper-V host; 'hvguest net rollback' takes the last change back.";

/** Metric of the gateway at `index`: the first has the default, others stand by. */
export function standbyMetric(index: number): number {
  return 1024 + 100 * index;
}
