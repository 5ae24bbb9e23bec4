// cloud-init writes the network's configuration anew when it takes the machine for
// another one, as after a failover. Its documented switch for that is a file.

import type { Machine } from "./machine.ts";
import { ownFileComment } from "./manager.ts";
import type { FileChange } from "./plan.ts";

const path = "/etc/cloud/cloud.cfg.d/99-hvguest-network.cfg";

/** The file that makes cloud-init keep its hands off; none where cloud-init is not installed. */
export function cloudInitHandsOff(machine: Machine): FileChange[] {
  return machine.read("/etc/cloud/cloud.cfg") === undefined
    ? []
    : [{ path, text: `${ownFileComment}\nnetwork:\n  config: disabled\n`, mode: 0o644 }];
}
