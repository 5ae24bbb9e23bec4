// `hvguest run`: all services in one process, in the foreground.

import { parseArgs } from "node:util";
import { serviceNames } from "../agent/services.ts";
import type { ServiceName } from "../services/service.ts";
import { runAgentProcess } from "./agent-process.ts";
import { ExitStatus, UsageError } from "./command.ts";
import { writeAll } from "./output.ts";

const help = `hvguest run [OPTION]...

Answers the host's integration services until SIGTERM or SIGINT; SIGHUP reads
the configuration again.

  --services LIST   only these of kvp,vss,fcopy; without it, all that are enabled
                    in the configuration
  --root DIRECTORY  use DIRECTORY/etc, DIRECTORY/run and DIRECTORY/var
  --debug           log every message
  --help            show this
`;

/** @throws UsageError */
export function runAgent(args: readonly string[]): ExitStatus | Promise<ExitStatus> {
  const options = parse(args);
  if (options.help === true) {
    writeAll(1, help);
    return ExitStatus.done;
  }
  if (options.root === "") {
    // A variable of a script that was not set: not the running system.
    throw new UsageError("--root: '' is not a folder");
  }
  const services = options.services === undefined ? "all" : serviceList(options.services);
  return runAgentProcess({
    services,
    ...(services === "all" || services.includes("kvp") ? { processName: "hv_kvp_daemon" } : {}),
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(options.debug === true ? { level: "debug" as const } : {}),
  });
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        services: { type: "string" },
        root: { type: "string" },
        debug: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function serviceList(text: string): ServiceName[] {
  return text.split(",").map((word) => {
    const name = serviceNames.find((candidate) => candidate === word.trim());
    if (name === undefined) {
      throw new UsageError(`--services: '${word}' is none of ${serviceNames.join(", ")}`);
    }
    return name;
  });
}
