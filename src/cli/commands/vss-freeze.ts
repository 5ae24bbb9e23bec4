// `hvguest vss freeze` and `thaw`: by hand, through the same code as for the host.

import { readConfiguration } from "../../agent/configuration.ts";
import { Logger, printable } from "../../log.ts";
import { errnoText } from "../../native/native-error.ts";
import { pathsFrom } from "../../platform/paths.ts";
import { RequestError } from "../../protocol/status.ts";
import { FreezeState } from "../../services/freeze-state.ts";
import { Backup } from "../../services/vss/backup.ts";
import { frozenNow, thawLeftBehind, thawPaths } from "../../services/vss/left-behind.ts";
import { Planner } from "../../services/vss/planner.ts";
import { vssFiles } from "../../services/vss/vss-files.ts";
import { CommandError, command, ExitStatus, UsageError } from "../command.ts";
import { logWriter } from "../log-writer.ts";

/** The kernel waits 900 s for a frozen guest. */
const longestSeconds = 840;
/** Our own deadline comes after the time that was asked for. */
const spareSeconds = 5;

export const vssFreeze = command<{ for: string }>({
  usage: "freeze",
  description: "Freeze all file systems, with hooks, and thaw them after a time",
  options: (yargs) =>
    yargs.option("for", {
      type: "string",
      demandOption: true,
      describe: "How long: 10s, 2m; interrupt it to thaw earlier",
    }),
  run: async ({ for: duration }, { environment, signal }) => {
    const seconds = parseSeconds(duration);
    const paths = pathsFrom(environment);
    const settings = readConfiguration(paths.configuration).vss;
    const { log, flush } = threadedLog();
    const backup = new Backup({
      planner: new Planner(paths, () => settings),
      files: vssFiles(paths),
      settings: () => ({ ...settings, deadline_seconds: seconds + spareSeconds }),
      log,
      // Lines leave by a thread of their own, so that a script sees when all is frozen.
      logger: { hold: () => undefined, release: () => undefined },
      freezeState: new FreezeState(),
      by: "command",
    });
    try {
      await thawLeftBehind(vssFiles(paths).marker, log);
      await backup.freeze(signal);
      await Promise.race([elapsed(seconds), aborted(signal), backup.thawed]);
      await backup.thaw();
    } catch (error) {
      if (error instanceof RequestError || signal.aborted) {
        throw new CommandError(error instanceof Error ? error.message : String(error));
      }
      throw error;
    } finally {
      await backup.stop();
      flush();
    }
    return ExitStatus.done;
  },
});

export const vssThaw = command<{ json: boolean }>({
  usage: "thaw",
  description: "Thaw at once what the agent or `vss freeze` has frozen",
  options: (yargs) =>
    yargs.option("json", {
      type: "boolean",
      default: false,
      describe: "Print one JSON object a line",
    }),
  run: async ({ json }, { environment, print }) => {
    const { marker } = vssFiles(pathsFrom(environment));
    const { log, flush } = threadedLog();
    const frozen = frozenNow(marker);
    // By nobody alive: perhaps somebody dead.
    const { thawed, failures } =
      frozen.length === 0 ? await thawLeftBehind(marker, log) : await thawPaths(frozen);
    flush();
    const rows: readonly { path: string; reason?: string }[] = [
      ...thawed.map((path) => ({ path })),
      ...failures.map(({ path, errno }) => ({ path, reason: errnoText(errno) })),
    ];
    for (const { path, reason } of rows) {
      const row = { mount_point: path, thawed: reason === undefined, reason };
      print(json ? `${JSON.stringify(row)}\n` : `${printable(path)}: ${reason ?? "thawed"}\n`);
    }
    return failures.length === 0 ? ExitStatus.done : ExitStatus.failed;
  },
});

/** @throws UsageError */
function parseSeconds(text: string): number {
  const [, number, unit] = /^(\d+)(s|m)?$/.exec(text) ?? [];
  const seconds = Number(number) * (unit === "m" ? 60 : 1);
  if (!(seconds >= 1 && seconds <= longestSeconds)) {
    throw new UsageError(`--for needs a time from 1s to ${longestSeconds}s, got '${text}'`);
  }
  return seconds;
}

function threadedLog() {
  const writer = logWriter(false);
  const sink = (line: string) => writer.write(line);
  const logger = new Logger({ sink, level: "info", journal: false });
  return { log: logger.log("vss"), flush: () => writer.flush(1000) };
}

function elapsed(seconds: number): Promise<void> {
  return new Promise((resolve) => {
    // The command may end earlier.
    setTimeout(resolve, seconds * 1000).unref();
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
