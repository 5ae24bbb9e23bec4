// Old network scripts leave a DHCP client behind. Where systemd runs, they are run
// in a unit of their own, which the client may outlive; in ours it would be killed.

import type { Machine } from "./machine.ts";
import type { Step } from "./plan.ts";

/** `waits`: whether the script is waited for, which a DHCP client can make long. */
export function lastingStep(step: Step, machine: Machine, waits: boolean): Step {
  const systemdRun = machine.program("systemd-run");
  if (systemdRun === undefined || !machine.isExecutable("/run/systemd/system")) {
    return step;
  }
  return {
    ...step,
    program: systemdRun,
    args: [
      "--quiet",
      "--collect",
      ...(waits ? ["--wait", "--pipe"] : []),
      "--property=Type=oneshot",
      "--property=KillMode=process",
      step.program,
      ...step.args,
    ],
  };
}
