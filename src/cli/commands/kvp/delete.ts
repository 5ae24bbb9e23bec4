import { ExitStatus } from "../../command.ts";
import { inputText } from "../../input.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { linesOf, maxRecordText } from "./record-input.ts";
import { jsonLine } from "./record-text.ts";

export const deleteCommand = poolCommand<{ readonly key: string }>({
  usage: "delete <key>",
  description: "Delete a key; prints true, or false with status 1 when it is not there",
  options: (yargs) =>
    yargs.positional("key", { type: "string", demandOption: true, describe: "The exact key" }),
  run: (args, context) => {
    const pool = new ChosenPool(args, context);
    // A key that is not there is no reason to make or lock a file.
    const isThere = pool.image().entry(args.key) !== undefined;
    const removed = isThere && pool.change((editor) => editor.delete([args.key]).length > 0);
    context.print(args.json ? jsonLine({ removed }) : `${removed}\n`);
    return removed ? ExitStatus.done : ExitStatus.failed;
  },
});

export const deleteMultipleCommand = poolCommand<{ readonly keys: string[] }>({
  usage: "delete-multiple <keys..>",
  description: "Delete keys and print how many records are gone; - reads keys, one a line",
  options: (yargs) =>
    yargs.positional("keys", {
      type: "string",
      array: true,
      demandOption: true,
      describe: "Exact keys, or - alone for lines of standard input",
    }),
  run: async (args, context) => {
    const pool = new ChosenPool(args, context);
    const isInput = args.keys.length === 1 && args.keys[0] === "-";
    const keys = isInput
      ? linesOf(await inputText(undefined, maxRecordText)).map(({ line }) => line)
      : args.keys;
    if (pool.view() === undefined) {
      context.print(args.json ? jsonLine({ removed: 0 }) : "0\n");
      return ExitStatus.done;
    }
    const removed = pool.change((editor) => {
      const before = editor.image.count;
      editor.delete(keys);
      return before - editor.image.count;
    });
    context.print(args.json ? jsonLine({ removed }) : `${removed}\n`);
    return ExitStatus.done;
  },
});
