// Parses the command line with yargs and runs one command. Loaded only by commands:
// the daemons start without it.

import yargs, { type Argv } from "yargs";
import { type Command, type CommandContext, ExitStatus, UsageError } from "./command.ts";
import { commands } from "./commands.ts";
import { type KnownOptions, requireKnownOptions } from "./option-words.ts";
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
  const chosen: Chosen = {};
  const parser = yargs()
    .scriptName(program)
    .locale("en")
    .usage("$0 <command>\n\nMakes a Linux guest a first-class citizen of Microsoft Hyper-V.")
    .command("run", "Answer the host's integration services (hvguest run --help)")
    .strict()
    .strictCommands()
    .demandCommand(1, nameACommand)
    .help()
    .alias("help", "h")
    .version(versionText().trimEnd())
    .wrap(100)
    .exitProcess(false)
    .fail((message, error: Error | undefined) => {
      // YError: what the parser below yargs finds wrong.
      if (error !== undefined && error.name !== "YError") {
        throw error;
      }
      if ([nameACommand, nameWhatToDo].includes(message)) {
        requireKnownOptions(operands.args, generalOptions);
      }
      throw new UsageError(operands.restoreText(clearMessage(message, chosen.synopsis)));
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
    // Called by its own name, that command is the whole program.
    context.print(`${text.replace("lsvmbus lsvmbus", "lsvmbus")}\n`);
    return ExitStatus.done;
  }
  return (await chosen.run?.()) ?? ExitStatus.done;
}

const nameACommand = "name a command";
const nameWhatToDo = "name what to do";

/** Those that all commands have. */
const generalOptions = { names: ["help", "h", "version"], booleans: ["help", "version"] };

/** What yargs has come to. */
interface Chosen {
  /** `kvp get <key>` */
  synopsis?: string;
  run?: () => ExitStatus | Promise<ExitStatus>;
}

/** What yargs finds wrong, in one line that names it. */
function clearMessage(message: string, synopsis: string | undefined): string {
  const choice = /^Invalid values:\n {2}Argument: (.*?), Given: (.*), Choices: (.*)$/s.exec(
    message,
  );
  if (choice !== null) {
    return `--${choice[1]}: ${choice[2]} is none of ${choice[3]}`;
  }
  return message.startsWith("Not enough non-option arguments") && synopsis !== undefined
    ? `something is missing: hvguest ${synopsis}`
    : message;
}

function register(
  parser: Argv,
  command: Command,
  context: CommandContext,
  operands: ProtectedOperands,
  chosen: Chosen,
  groups: readonly string[] = [],
): void {
  parser.command({
    command: command.usage,
    aliases: command.aliases ?? [],
    describe: command.description,
    builder: (yargsOfCommand: Argv) => {
      for (const below of command.commands ?? []) {
        register(yargsOfCommand, below, context, operands, chosen, [...groups, command.usage]);
      }
      if (command.commands !== undefined) {
        yargsOfCommand.demandCommand(1, nameWhatToDo);
      }
      const built = command.options?.(yargsOfCommand) ?? yargsOfCommand;
      if (command.commands === undefined) {
        chosen.synopsis = [...groups, command.usage].join(" ");
        requireKnownOptions(operands.args, knownOptions(built));
      }
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
  const { string, number } = optionsOf(yargsOfCommand);
  const positionals = [...usage.matchAll(/[<[]([\w-]+)/g)].map(([, name]) => name);
  return [...string, ...number].filter((name) => !positionals.includes(name));
}

function knownOptions(yargsOfCommand: Argv): KnownOptions {
  const { key, alias, boolean } = optionsOf(yargsOfCommand);
  const names = [...generalOptions.names, ...Object.keys(key), ...Object.values(alias).flat()];
  return { names, booleans: [...generalOptions.booleans, ...boolean] };
}

function optionsOf(yargsOfCommand: Argv): YargsOptions {
  return (yargsOfCommand as unknown as { getOptions(): YargsOptions }).getOptions();
}

/** What yargs has and its types do not tell. */
interface YargsOptions {
  readonly string: readonly string[];
  readonly number: readonly string[];
  readonly boolean: readonly string[];
  /** Every option that was declared. */
  readonly key: Readonly<Record<string, unknown>>;
  readonly alias: Readonly<Record<string, readonly string[]>>;
}
