// One service alone, under the name and with the options of the C daemon
// (tools/hv/hv_kvp_daemon.c, hv_vss_daemon.c, hv_fcopy_daemon.c).

import { parseArgs } from "node:util";
import type { Level } from "../log.ts";
import { native } from "../native/binding.ts";
import { callNative } from "../native/native-error.ts";
import type { ServiceName } from "../services/service.ts";
import { runAgentProcess } from "./agent-process.ts";
import { ExitStatus, UsageError } from "./command.ts";
import { detach, detachedReporter } from "./detach.ts";
import { writeAll } from "./output.ts";

const help = (name: string) => `Usage: ${name} [OPTION]...

  -n, --no-daemon  stay in the foreground and log to standard error
  -d, --debug      log every message
  -h, --help       show this
`;

/** @throws UsageError */
export async function runDaemon(
  name: string,
  service: ServiceName,
  args: readonly string[],
): Promise<ExitStatus> {
  const options = parse(args);
  if (options.help === true) {
    writeAll(1, help(name));
    return ExitStatus.done;
  }
  const reporter = detachedReporter(process.env);
  if (options["no-daemon"] !== true && reporter === undefined) {
    return detach(args);
  }
  const level: { level?: Level } = options.debug === true ? { level: "debug" } : {};
  if (reporter === undefined) {
    return runAgentProcess({
      services: [service],
      processName: name,
      firstFaultEnds: true,
      ...level,
    });
  }
  return runAgentProcess({
    services: [service],
    // The background process was started by the path of hvguest.
    processName: name,
    firstFaultEnds: true,
    ...level,
    sink: { write: (line) => writeSyslog(name, line), journal: true },
    onStarted: (states) => reporter(states.get(service) ?? { phase: "starting" }),
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        "no-daemon": { type: "boolean", short: "n" },
        debug: { type: "boolean", short: "d" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** LOG_DAEMON, as the C daemons log (syslog(3)). */
const daemonFacility = 3;

function writeSyslog(name: string, line: string): void {
  const priority = Number(/^<(\d)>/.exec(line)?.[1] ?? 6);
  const text = line.replace(/^<\d>/, "").trimEnd();
  const message = `<${daemonFacility * 8 + priority}>${name}[${process.pid}]: ${text}`;
  try {
    callNative(() => native().sendDatagram("/dev/log", message));
  } catch {
    // No syslog, or a full one: the detached daemon has no other place to say so.
  }
}
