import type { Argv } from "yargs";
import { type CommandContext, ExitStatus } from "../../command.ts";
import { inputText } from "../../input.ts";
import { ChosenPool, type PoolArguments, poolCommand } from "./pool-choice.ts";
import { maxRecordText, recordsOf } from "./record-input.ts";

/** What becomes of the keys that are there. */
type Mode = "merge" | "replace" | "append";

export const importCommand = poolCommand<{
  readonly file: string | undefined;
  readonly replace: boolean;
}>({
  usage: "import [file]",
  description: "Set the keys of KEY=VALUE lines, or of lines of JSON with --json",
  options: (yargs) =>
    yargs
      .positional("file", { type: "string", describe: "The file instead of standard input" })
      .option("replace", {
        type: "boolean",
        default: false,
        describe: "Delete all other keys",
      }),
  run: (args, context) => imported(args, context, args.replace ? "replace" : "merge"),
});

export const loadCommand = poolCommand<{ readonly file: string | undefined }>({
  usage: "load",
  description: "Replace the pool by KEY=VALUE lines (import --replace)",
  options: fileOption,
  run: (args, context) => imported(args, context, "replace"),
});

export const appendMultipleCommand = poolCommand<{ readonly file: string | undefined }>({
  usage: "append-multiple",
  description: "Add a record for each KEY=VALUE line (append -)",
  options: fileOption,
  run: (args, context) => imported(args, context, "append"),
});

function fileOption(yargs: Argv) {
  return yargs.option("file", {
    type: "string",
    requiresArg: true,
    describe: "The file instead of standard input",
  });
}

async function imported(
  args: PoolArguments & { readonly file: string | undefined },
  context: CommandContext,
  mode: Mode,
): Promise<ExitStatus> {
  const pool = new ChosenPool(args, context);
  const records = recordsOf(await inputText(args.file, maxRecordText), args.json, pool.limits);
  pool.change((editor) => {
    for (const { key, value } of records) {
      if (mode === "append") {
        editor.append(key, value);
      } else {
        editor.set(key, value);
      }
    }
    if (mode === "replace") {
      // Last: interrupted, the pool has too many keys rather than too few.
      editor.keepOnly(records.map(({ key }) => key));
    }
  });
  return ExitStatus.done;
}
