import { statSync } from "node:fs";
import { bootTime } from "../../../platform/boot-time.ts";
import { callFile } from "../../../platform/file-call.ts";
import { pathsFrom } from "../../../platform/paths.ts";
import { type CommandContext, ExitStatus } from "../../command.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { jsonLine } from "./record-text.ts";

export const clearCommand = poolCommand<{ readonly "if-stale": boolean }>({
  usage: "clear",
  description: "Delete all keys of the pool",
  options: (yargs) =>
    yargs.option("if-stale", {
      type: "boolean",
      default: false,
      describe: "Only when the file was last written before this boot",
    }),
  run: (args, context) => {
    const pool = new ChosenPool(args, context);
    const isWanted = () => !args["if-stale"] || isStale(pool, context);
    // A pool that stays needs no lock, nor the right to change it.
    if (isWanted()) {
      pool.clear(isWanted);
    }
    return ExitStatus.done;
  },
});

export const isStaleCommand = poolCommand({
  usage: "is-stale",
  description: "Print whether the file was last written before this boot; status 1 for false",
  run: (args, context) => {
    const stale = isStale(new ChosenPool(args, context), context);
    context.print(args.json ? jsonLine({ stale }) : `${stale}\n`);
    return stale ? ExitStatus.done : ExitStatus.failed;
  },
});

/** Whether the records are those of an earlier boot. A file that is missing is not stale. */
export function isStale(pool: ChosenPool, { environment }: CommandContext): boolean {
  const stat = callFile(`stat '${pool.path}'`, () =>
    statSync(pool.path, { throwIfNoEntry: false }),
  );
  return stat !== undefined && stat.mtimeMs < bootTime(pathsFrom(environment));
}
