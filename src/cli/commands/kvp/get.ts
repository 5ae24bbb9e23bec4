import { ExitStatus } from "../../command.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { jsonLine, valueLine } from "./record-text.ts";

export const getCommand = poolCommand<{ readonly key: string }>({
  usage: "get <key>",
  aliases: ["read"],
  description: "Print the value of a key; status 1 when it is not there",
  options: (yargs) =>
    yargs.positional("key", { type: "string", demandOption: true, describe: "The exact key" }),
  run: (args, context) => {
    const image = new ChosenPool(args, context).image();
    const entry = image.entry(args.key);
    if (entry === undefined) {
      return ExitStatus.failed;
    }
    const { value } = image.decode(entry);
    context.print(args.json ? jsonLine({ key: args.key, value }) : valueLine(value));
    return ExitStatus.done;
  },
});
