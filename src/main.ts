// argv to command to exit status. The only place that ends the process.

import { basename } from "node:path";
import { daemonServices } from "./agent/daemon-names.ts";
import { requireUtf8 } from "./cli/argument-text.ts";
import { ExitStatus } from "./cli/command.ts";
import { becomeDaemonRuntime } from "./cli/daemon-runtime.ts";
import { writeAll } from "./cli/output.ts";
import { report } from "./cli/report.ts";

const status = await report(async () => {
  const invoked = basename(process.argv0);
  const args = process.argv.slice(2);
  requireUtf8(args);
  const service = daemonServices.get(invoked);
  // Each way loads only what it needs: the daemons start without yargs.
  if (service !== undefined) {
    becomeDaemonRuntime();
    const { runDaemon } = await import("./cli/daemon.ts");
    return runDaemon(invoked, service, args);
  }
  if (invoked === "lsvmbus") {
    const { runCommandLine } = await import("./cli/command-line.ts");
    return runCommandLine(["lsvmbus", ...args], "lsvmbus");
  }
  const first = args[0];
  if (first === "run") {
    becomeDaemonRuntime();
    const { runAgent } = await import("./cli/run.ts");
    return runAgent(args.slice(1));
  }
  if (first === "--version" || first === "-V" || first === "version") {
    const { versionText } = await import("./cli/version.ts");
    writeAll(1, versionText());
    return ExitStatus.done;
  }
  const { runCommandLine } = await import("./cli/command-line.ts");
  return runCommandLine(args);
});
// Not exitCode: native threads would keep the process.
process.exit(status);
