// Every back-end, in the order in which they are asked: netplan configures others,
// NetworkManager may read ifcfg files, scripts are the last resort.

import type { Machine } from "../machine.ts";
import { type Manager, PlanError, type Target } from "../manager.ts";
import type { ManagerName } from "../plan.ts";
import { ifcfg } from "./ifcfg.ts";
import { ifupdown } from "./ifupdown.ts";
import { netplan } from "./netplan.ts";
import { networkManager } from "./network-manager.ts";
import { networkd } from "./networkd.ts";
import { script } from "./script.ts";
import { wicked } from "./wicked.ts";

const managers: readonly Manager[] = [netplan, networkManager, networkd, wicked, ifupdown, ifcfg];

/** A host asks as soon as it can: the machine may still be starting its managers. */
const bootMilliseconds = 6000;
const lookMilliseconds = 500;

export interface Choice {
  readonly manager: Manager;
  /** It has not been started yet, and will read its files when it is. */
  readonly isLate: boolean;
}

/**
 * Who is to configure the interface: the one that is named, or with "auto" the
 * one that has it now. While the machine starts, managers are waited for a little,
 * and then the one that is to be started is taken.
 * @throws PlanError when nobody has it
 */
export async function managerOf(
  target: Target,
  choice: ManagerName | "auto",
  machine: Machine,
  waits: boolean,
): Promise<Choice> {
  if (choice !== "auto") {
    const named = [...managers, script].find(({ name }) => name === choice);
    return { manager: named ?? script, isLate: false };
  }
  const deadline = performance.now() + (waits ? bootMilliseconds : 0);
  let isStarting: boolean;
  do {
    const manager = await firstOf(managers, (one) => one.manages(target, machine));
    if (manager !== undefined) {
      return { manager, isLate: false };
    }
    isStarting = await isMachineStarting(machine);
    await Bun.sleep(isStarting && waits ? lookMilliseconds : 0);
  } while (isStarting && performance.now() < deadline);
  const late = isStarting
    ? await firstOf(managers, async (one) => (await one.startsLater?.(machine)) ?? false)
    : undefined;
  if (late !== undefined) {
    return { manager: late, isLate: true };
  }
  if (await script.manages(target, machine)) {
    return { manager: script, isLate: false };
  }
  throw new PlanError(
    `nobody that hvguest knows manages '${target.name}', and there is no hv_set_ifconfig`,
  );
}

async function isMachineStarting(machine: Machine): Promise<boolean> {
  const answer = await machine.ask("systemctl", "is-system-running");
  return ["initializing", "starting"].includes(answer?.stdout.trim() ?? "");
}

async function firstOf(
  candidates: readonly Manager[],
  isIt: (manager: Manager) => Promise<boolean>,
): Promise<Manager | undefined> {
  for (const manager of candidates) {
    if (await isIt(manager)) {
      return manager;
    }
  }
  return undefined;
}
