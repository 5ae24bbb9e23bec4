// hvguest doctor: what is wrong with this guest, and what to do about it.

import { printable } from "../../log.ts";
import { command, ExitStatus } from "../command.ts";
import { type Finding, findings } from "../status/checks.ts";
import { systemStatus } from "../status/system-status.ts";

export const doctor = command<{ json: boolean; all: boolean }>({
  usage: "doctor",
  description: "Check what keeps the host's services from working",
  options: (yargs) =>
    yargs
      .option("all", { type: "boolean", default: false, describe: "Show what is right, too" })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ json, all }, { environment, print }) => {
    const status = systemStatus(environment);
    const found: readonly Finding[] = status.hasVmbus
      ? findings(status)
      : [
          {
            check: "vmbus",
            result: "failure",
            text: "there is no VMBus: not a guest of Hyper-V, or the kernel has no hv_vmbus",
          },
        ];
    const isFailed = found.some(({ result }) => result === "failure");
    const result = !status.hasVmbus
      ? ExitStatus.noDevice
      : isFailed
        ? ExitStatus.failed
        : ExitStatus.done;
    print(
      json
        ? `${JSON.stringify({ ok: !isFailed, findings: found })}\n`
        : findingsText(found.filter((finding) => all || finding.result !== "ok")),
    );
    return result;
  },
});

function findingsText(found: readonly Finding[]): string {
  if (found.length === 0) {
    return "nothing is wrong\n";
  }
  return found
    .map(({ check, result, text, advice }) => {
      // Names of programs and of files are in it, and what a host has sent.
      const line = `${result.padEnd(9)}${check}: ${printable(text)}\n`;
      return advice === undefined ? line : `${line}${" ".repeat(9)}-> ${printable(advice)}\n`;
    })
    .join("");
}
