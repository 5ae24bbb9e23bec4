// Old network scripts leave a DHCP client behind. Where systemd runs, they are run
// in a unit of their own, which the client may outlive; in ours it would be killed.

import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import type { Machine } from "./machine.ts";
import type { Plan, Step } from "./plan.ts";

/**
 * The script as what puts a plan in force, and what puts the old files in force.
 * `waits`: whether the script is waited for, which a DHCP client can make long.
 */
export function lastingSteps(
  script: Step,
  machine: Machine,
  waits: boolean,
): Required<Pick<Plan, "activate" | "abandon" | "reactivate">> {
  const systemdRun = machine.program("systemd-run");
  const systemctl = machine.program("systemctl");
  if (
    systemdRun === undefined ||
    systemctl === undefined ||
    !machine.isExecutable("/run/systemd/system")
  ) {
    return { activate: [script], abandon: [], reactivate: [script] };
  }
  const inUnit = (...options: readonly string[]): Step => ({
    ...script,
    program: systemdRun,
    args: [
      "--quiet",
      "--collect",
      ...options,
      "--property=Type=oneshot",
      "--property=KillMode=process",
      script.program,
      ...script.args,
    ],
  });
  // Never the same twice: a client that is left in a unit keeps its name taken.
  const unit = `hvguest-${basename(script.program)}-${randomUUID().slice(0, 8)}.service`;
  return {
    activate: [inUnit(`--unit=${unit}`, ...(waits ? ["--wait", "--pipe"] : []))],
    // It goes on when systemd-run is killed, and has the lock that ifdown waits for.
    // SIGKILL for all of it, and `stop` in case that it waits for the boot to go on.
    abandon: [
      { program: systemctl, args: ["kill", "--signal=SIGKILL", unit], mayFail: true },
      { program: systemctl, args: ["stop", unit], mayFail: true },
    ],
    // To go on is right here, so nothing of it may depend on us, such as a pipe.
    reactivate: [inUnit(...(waits ? ["--wait"] : []))],
  };
}
