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

const managers: readonly Manager[] = [
  netplan,
  networkManager,
  networkd,
  wicked,
  ifupdown,
  ifcfg,
  script,
];

/**
 * Who is to configure the interface: the one that is named, or with "auto" the
 * one that has it now.
 * @throws PlanError when nobody has it
 */
export async function managerOf(
  target: Target,
  choice: ManagerName | "auto",
  machine: Machine,
): Promise<Manager> {
  for (const manager of managers) {
    const isChosen =
      choice === "auto" ? await manager.manages(target, machine) : manager.name === choice;
    if (isChosen) {
      return manager;
    }
  }
  throw new PlanError(
    `nobody that hvguest knows manages '${target.name}', and there is no hv_set_ifconfig`,
  );
}
