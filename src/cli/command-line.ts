// Parses the command line with yargs and runs one command. Loaded only by commands:
// the daemons start without it.

import yargs, { type Argv } from "yargs";
import { type Command, type CommandContext, ExitStatus, UsageError } from "./command.ts";
import { commands } from "./commands.ts";
import { writeAll } from "./output.ts";
import { type ProtectedOperands, protectOperands } from "./operands.ts";
import { versionText } from "./version.ts";

/** @throws UsageError for a wrong command line, and what the command throws. */
export async function runCommandLine(
  args: readonly string[],
  program = "hvguest",
): Promise<ExitStatus> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => stop.abort());
  }
  const context: CommandContext = {
    environment: process.env,
    print: (text) => writeAll(1, text),
    complain: (text) => writeAll(2, `${text}\n`),
    signal: stop.signal,
    commands,
  };
  const operands = protectOperands(args);
  const chosen: { run?: () => ExitStatus | Promise<ExitStatus> } = {};
  const parser = yargs()
    .scriptName(program)
    .locale("en")
    .usage("$0 <command>\n\nMakes a Linux guest a first-class citizen of Microsoft Hyper-V.")
    .command("run", "Answer the host's integration services (hvguest run --help)")
    .strict()
    .strictCommands()
    .demandCommand(1, "name a command")
    .help()
    .alias("help", "h")
    .version(versionText().trimEnd())
    .wrap(100)
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      // YError: what the parser below yargs finds wrong.
      throw error === undefined || error.name === "YError" ? new UsageError(message) : error;
    });
  for (const command of commands) {
    register(parser, command, context, operands, chosen);
  }
  // With a callback yargs hands over help instead of writing it with console.log.
  let text = "";
  await parser.parseAsync(
    [...operands.args],
    {},
    (_error: unknown, _argv: unknown, output: string) => {
      text = output;
    },
  );
  if (text !== "") {
    context.print(`${text}\n`);
    return ExitStatus.done;
  }
  return (await chosen.run?.()) ?? ExitStatus.done;
}

function register(
  parser: Argv,
  command: Command,
  context: CommandContext,
  operands: ProtectedOperands,
  chosen: { run?: () => ExitStatus | Promise<ExitStatus> },
): void {
  parser.command({
    command: command.usage,
    aliases: command.aliases ?? [],
    describe: command.description,
    builder: (yargsOfCommand: Argv) => {
      for (const below of command.commands ?? []) {
        register(yargsOfCommand, below, context, operands, chosen);
      }
      if (command.commands !== undefined) {
        yargsOfCommand.demandCommand(1, "name what to do");
      }
      const built = command.options?.(yargsOfCommand) ?? yargsOfCommand;
      return built.requiresArg(namesWithValue(built, command.usage));
    },
    handler: (argv: Record<string, unknown>) => {
      const { run } = command;
      if (run !== undefined) {
        chosen.run = () => run(operands.restore(argv), context);
      }
    },
  });
}

/**
 * The options that take a text or a number. yargs takes `--root` without one for the default,
 * which is the running system where an image was meant.
 */
function namesWithValue(yargsOfCommand: Argv, usage: string): string[] {
  const { string, number } = (yargsOfCommand as unknown as YargsOptions).getOptions();
  const positionals = [...usage.matchAll(/[<[]([\w-]+)/g)].map(([, name]) => name);
  return [...string, ...number].filter((name) => !positionals.includes(name));
}

/** What yargs has and its types do not tell. */
interface YargsOptions {
  getOptions(): { readonly string: readonly string[]; readonly number: readonly string[] };
}
