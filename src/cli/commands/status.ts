// hvguest status: the machine, the host's services and who serves them.

import { watch } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readServiceReports } from "../../agent/service-report.ts";
import { type Paths, pathsFrom } from "../../platform/paths.ts";
import { command, CommandError, ExitStatus } from "../command.ts";
import { statusJson, statusText } from "../status/status-text.ts";
import { systemStatus } from "../status/system-status.ts";

/** How long running agents may take to write how they are now. */
const answerMilliseconds = 1000;

export const status = command<{ json: boolean }>({
  usage: "status",
  description: "Show the machine, the host's services and who serves them",
  options: (yargs) =>
    yargs.option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: async ({ json }, { environment, print }) => {
    await askAgents(pathsFrom(environment));
    const found = systemStatus(environment);
    if (!found.hasVmbus && !json) {
      throw new CommandError("there is no VMBus: not a guest of Hyper-V", ExitStatus.noDevice);
    }
    print(json ? statusJson(found) : statusText(found));
    return found.hasVmbus ? ExitStatus.done : ExitStatus.noDevice;
  },
});

/** Has running agents write their counters; without the right to, those of the last change stay. */
async function askAgents(paths: Paths): Promise<void> {
  const before = readServiceReports(paths);
  const asked = new Set(before.map(({ pid }) => pid));
  if (asked.size === 0) {
    return;
  }
  using watcher = watching(paths.run);
  const end = AbortSignal.timeout(answerMilliseconds);
  for (const pid of asked) {
    try {
      process.kill(pid, "SIGUSR1");
    } catch {
      // Not ours to ask, or just gone: what it wrote last is shown.
      return;
    }
  }
  const isNewer = () =>
    readServiceReports(paths).every(({ service, written }) =>
      before.every((old) => old.service !== service || old.written !== written),
    );
  while (!end.aborted && !isNewer()) {
    await Promise.race([watcher.changed(), sleep(answerMilliseconds, undefined, { signal: end })])
      // The time is up, which the loop notices.
      .catch(() => undefined);
  }
}

function watching(folder: string): Disposable & { changed: () => Promise<void> } {
  const watcher = watch(folder);
  return {
    changed: () => new Promise((resolve) => watcher.once("change", () => resolve())),
    [Symbol.dispose]: () => watcher.close(),
  };
}
