import type { Argv } from "yargs";
import type { PoolEditor } from "../../../services/kvp/pool-editor.ts";
import { type CommandContext, ExitStatus, UsageError } from "../../command.ts";
import { inputText } from "../../input.ts";
import { ChosenPool, type PoolArguments, poolCommand } from "./pool-choice.ts";
import { maxRecordText, recordsOf } from "./record-input.ts";

type KeyValueArguments = {
  readonly key: string;
  readonly value: string | undefined;
};

export const setCommand = poolCommand<KeyValueArguments>({
  usage: "set <key> [value]",
  description: "Change or add a key; - reads KEY=VALUE lines from standard input",
  options: keyAndValue,
  run: (args, context) =>
    applied(args, context, (editor, key, value) => {
      editor.set(key, value);
    }),
});

export const appendCommand = poolCommand<KeyValueArguments>({
  usage: "append <key> [value]",
  description: "Add a record at the end even when the key is there; - reads KEY=VALUE lines",
  options: keyAndValue,
  run: (args, context) =>
    applied(args, context, (editor, key, value) => {
      editor.append(key, value);
    }),
});

export const writeCommand = poolCommand<KeyValueArguments & { readonly append: boolean }>({
  usage: "write <key> <value>",
  description: "Change or add a key (set, append)",
  options: (yargs) =>
    keyAndValue(yargs).option("append", {
      type: "boolean",
      default: false,
      describe: "Add a record at the end even when the key is there",
    }),
  run: (args, context) =>
    applied(args, context, (editor, key, value) => {
      if (args.append) {
        editor.append(key, value);
      } else {
        editor.set(key, value);
      }
    }),
});

function keyAndValue(yargs: Argv) {
  return yargs
    .positional("key", {
      type: "string",
      demandOption: true,
      describe: "The key, or - alone for lines of standard input",
    })
    .positional("value", { type: "string", describe: "The value, which may be empty" });
}

async function applied(
  args: KeyValueArguments & PoolArguments,
  context: CommandContext,
  apply: (editor: PoolEditor, key: string, value: string) => void,
): Promise<ExitStatus> {
  const pool = new ChosenPool(args, context);
  const { key, value } = args;
  if (value === undefined && key !== "-") {
    throw new UsageError(`give '${key}' a value`);
  }
  const records =
    value === undefined
      ? recordsOf(await inputText(undefined, maxRecordText), args.json, pool.limits)
      : [{ key, value }];
  pool.change((editor) => {
    for (const record of records) {
      apply(editor, record.key, record.value);
    }
  });
  return ExitStatus.done;
}
