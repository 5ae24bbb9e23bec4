// hvguest net: what the host sees of the network, and what it can set, by hand.

import { command } from "../command.ts";
import { netAnswer } from "./net-answer.ts";
import { netApply } from "./net-apply.ts";
import { netPlan } from "./net-plan.ts";
import { netRollback } from "./net-rollback.ts";
import { netShow } from "./net-show.ts";

export const net = command({
  usage: "net",
  description: "Show the network as the host sees it, and set addresses as the host does",
  commands: [netShow, netPlan, netApply, netRollback, netAnswer],
});
