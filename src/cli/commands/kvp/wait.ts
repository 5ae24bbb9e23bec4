import { CommandError, ExitStatus, UsageError } from "../../command.ts";
import { ChosenPool, poolCommand } from "./pool-choice.ts";
import { PoolChanges } from "./pool-changes.ts";
import { jsonLine, valueLine } from "./record-text.ts";

interface WaitArguments {
  readonly key: string;
  readonly value: string | undefined;
  readonly timeout: string | undefined;
}

export const waitCommand = poolCommand<WaitArguments>({
  usage: "wait <key>",
  description: "Wait until a key is there, and print its value; status 1 when the time is over",
  options: (yargs) =>
    yargs
      .positional("key", { type: "string", demandOption: true, describe: "The exact key" })
      .option("value", {
        type: "string",
        requiresArg: true,
        describe: "Wait until the key has this value",
      })
      .option("timeout", {
        type: "string",
        requiresArg: true,
        describe: "Seconds to wait; without it there is no limit",
      }),
  run: async (args, context) => {
    const pool = new ChosenPool(args, context);
    const signal = withTimeout(context.signal, args.timeout);
    using changes = new PoolChanges(pool.directory);
    do {
      const image = pool.image();
      const entry = image.entry(args.key);
      const value = entry && image.decode(entry).value;
      if (value !== undefined && (args.value === undefined || args.value === value)) {
        context.print(args.json ? jsonLine({ key: args.key, value }) : valueLine(value));
        return ExitStatus.done;
      }
    } while (await changes.next(signal));
    throw new CommandError(
      context.signal.aborted ? "interrupted" : `'${args.key}' did not come in ${args.timeout} s`,
    );
  },
});

function withTimeout(signal: AbortSignal, seconds: string | undefined): AbortSignal {
  if (seconds === undefined) {
    return signal;
  }
  const milliseconds = Number(seconds) * 1000;
  if (!/^\d+(\.\d+)?$/.test(seconds) || milliseconds > 2 ** 31 - 1) {
    throw new UsageError(`--timeout '${seconds}' is no number of seconds`);
  }
  return AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]);
}
