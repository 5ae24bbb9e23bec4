import type { PoolRecord } from "../../../services/kvp/pool-record.ts";
import { ExitStatus } from "../../command.ts";
import { currentRecords } from "./list.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { PoolChanges } from "./pool-changes.ts";
import { jsonLine, recordLines } from "./record-text.ts";

type Change =
  | { readonly event: "set"; readonly key: string; readonly value: string }
  | { readonly event: "delete"; readonly key: string };

export const watchCommand = poolCommand<{ readonly initial: boolean }>({
  usage: "watch",
  description: "Print each change of the pool until SIGINT or SIGTERM",
  options: (yargs) =>
    yargs.option("initial", {
      type: "boolean",
      default: false,
      describe: "Print the keys that are there first",
    }),
  run: async (args, context) => {
    const pool = new ChosenPool(args, context);
    using changes = new PoolChanges(pool.directory);
    let known = valuesByKey(currentRecords(pool.image()));
    if (args.initial) {
      print(differences(new Map(), known));
    }
    while (await changes.next(context.signal)) {
      const now = valuesByKey(currentRecords(pool.image()));
      print(differences(known, now));
      known = now;
    }
    return ExitStatus.done;

    function print(found: readonly Change[]): void {
      context.print(found.map(args.json ? jsonLine : changeLine).join(""));
    }
  },
});

function valuesByKey(records: readonly PoolRecord[]): Map<string, string> {
  return new Map(records.map(({ key, value }) => [key, value]));
}

/** What happened between two looks at a pool, deletions first. */
export function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Change[] {
  return [
    ...[...before.keys()]
      .filter((key) => !after.has(key))
      .map((key) => ({ event: "delete" as const, key })),
    ...[...after]
      .filter(([key, value]) => before.get(key) !== value)
      .map(([key, value]) => ({ event: "set" as const, key, value })),
  ];
}

function changeLine(change: Change): string {
  return change.event === "set"
    ? `set ${recordLines([change])}`
    : `delete ${recordLines([{ key: change.key, value: "" }]).replace(/=\n$/, "\n")}`;
}
