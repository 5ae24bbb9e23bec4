// `hvguest fcopy status`: files from the host, as the running service tells them.

import { printable } from "../../log.ts";
import { pathsFrom } from "../../platform/paths.ts";
import { type FcopyReport, isRunning, readReport } from "../../services/fcopy/transfer-report.ts";
import { command, ExitStatus } from "../command.ts";

const fcopyStatus = command<{ json: boolean }>({
  usage: "status",
  description: "Show the transfer under way, the last files and the last refusal",
  options: (yargs) =>
    yargs.option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ json }, { environment, print }) => {
    const report = currentReport(readReport(pathsFrom(environment)));
    if (json) {
      print(`${JSON.stringify(report ?? null)}\n`);
    } else {
      print(report === undefined ? "no file copy since the start\n" : reportText(report));
    }
    return ExitStatus.done;
  },
});

export const fcopyCommand = command({
  usage: "fcopy",
  description: "Files copied from the host",
  commands: [fcopyStatus],
});

/** What an agent has left that is no longer there says nothing of now. */
function currentReport(report: FcopyReport | undefined): FcopyReport | undefined {
  if (report === undefined || isRunning(report.pid)) {
    return report;
  }
  return { ...report, transport: null, version: null, transfer: null };
}

/** The report for people: a line for each thing. */
export function reportText(report: FcopyReport): string {
  const { transport, version, transfer, last, refused, last_refusal: lastRefusal } = report;
  const lines = [
    transport === null
      ? "not connected"
      : `connected by ${transport === "ring" ? "the ring" : "the character device"}, ` +
        (version === null ? "not negotiated" : `version ${version}`),
  ];
  if (transfer !== null) {
    const rate = (transfer.bytes_per_second / 1e6).toFixed(1);
    const { path, received, size } = transfer;
    lines.push(`receiving '${path}': ${received} of ${size} bytes, ${rate} MB/s`);
  }
  for (const { path, bytes, ended, seconds, failure } of last) {
    lines.push(
      failure === undefined
        ? `${ended} received '${path}', ${bytes} bytes in ${seconds} s`
        : `${ended} dropped '${path}' after ${bytes} bytes: ${failure}`,
    );
  }
  if (lastRefusal !== null) {
    lines.push(`${refused} requests refused, the last: ${lastRefusal}`);
  }
  // Names and paths are the host's.
  return lines.map((line) => `${printable(line)}\n`).join("");
}
