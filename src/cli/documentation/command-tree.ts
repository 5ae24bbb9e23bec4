// The commands and their options as data, for man pages and completions. yargs does
// not give its declarations back, so they are made to a recorder.

import type { Argv, Options, PositionalOptions } from "yargs";
import type { Command } from "../command.ts";

export interface DescribedCommand {
  /** The words that call it: `kvp get`. */
  readonly words: string;
  /** With its arguments: `kvp get <key>`. */
  readonly usage: string;
  readonly description: string;
  readonly options: readonly DescribedOption[];
  readonly positionals: readonly DescribedOption[];
  readonly group: boolean;
}

export interface DescribedOption {
  /** Without dashes; the long name first. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** `hvguest run` is not a yargs command: it starts without yargs. */
const run: DescribedCommand = {
  words: "run",
  usage: "run",
  description: "Answer the host's integration services until SIGTERM",
  group: false,
  positionals: [],
  options: [
    option("services", "Only these of kvp,vss,fcopy", true),
    option("root", "Use DIRECTORY/etc, DIRECTORY/run and DIRECTORY/var", true),
    option("debug", "Log every message", false),
  ],
};

/** Every command and group, in the order of the help. */
export function describeCommands(commands: readonly Command[]): DescribedCommand[] {
  return [run, ...commands.flatMap((command) => describe(command, ""))];
}

function describe(command: Command, prefix: string): DescribedCommand[] {
  const usage = `${prefix}${command.usage}`;
  const words = usage.replace(/\s*[<[].*$/, "");
  const recorder = new Recorder();
  command.options?.(recorder.argv);
  const described = {
    words,
    usage,
    description: command.description,
    options: recorder.options,
    positionals: recorder.positionals,
    group: command.commands !== undefined,
  };
  return [described, ...(command.commands ?? []).flatMap((below) => describe(below, `${words} `))];
}

/** Takes the calls that commands make to declare options, and answers with itself. */
class Recorder {
  readonly options: DescribedOption[] = [];
  readonly positionals: DescribedOption[] = [];
  readonly argv: Argv;

  constructor() {
    this.argv = new Proxy(
      {},
      {
        get: (_target, method) => {
          return (...args: unknown[]) => {
            this.#take(String(method), args);
            return this.argv;
          };
        },
      },
    ) as Argv;
  }

  #take(method: string, [subject, declaration]: unknown[]): void {
    if (method === "positional") {
      const positional = described(String(subject), declaration as PositionalOptions);
      this.positionals.push(positional);
    } else if (method === "option" || method === "options") {
      const declared =
        typeof subject === "string"
          ? { [subject]: declaration as Options }
          : (subject as Record<string, Options>);
      for (const [name, options] of Object.entries(declared)) {
        this.options.push(described(name, options));
      }
    }
  }
}

function described(name: string, declaration: Options | PositionalOptions): DescribedOption {
  const { alias = [], describe, type, choices = [] } = declaration;
  return {
    names: [name, ...[alias].flat()],
    description: describe ?? ("description" in declaration ? declaration.description : "") ?? "",
    takesValue: type !== "boolean" && type !== "count",
    choices: choices.filter((choice) => typeof choice === "string"),
  };
}

function option(name: string, description: string, takesValue: boolean): DescribedOption {
  return { names: [name], description, takesValue, choices: [] };
}
