import { CommandError, ExitStatus } from "../../command.ts";
import { currentRecords } from "./list.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { jsonLine } from "./record-text.ts";

export const exportCommand = poolCommand({
  usage: "export",
  description: "Print what import reads: KEY=VALUE lines, or lines of JSON with --json",
  run: (args, context) => {
    const records = currentRecords(new ChosenPool(args, context).image());
    if (args.json) {
      context.print(records.map(jsonLine).join(""));
      return ExitStatus.done;
    }
    const ambiguous = records.find(({ key, value }) => /[=\n]/.test(key) || value.includes("\n"));
    if (ambiguous !== undefined) {
      throw new CommandError(
        `the key ${JSON.stringify(ambiguous.key)} or its value does not fit KEY=VALUE lines, use --json`,
      );
    }
    context.print(records.map(({ key, value }) => `${key}=${value}\n`).join(""));
    return ExitStatus.done;
  },
});
