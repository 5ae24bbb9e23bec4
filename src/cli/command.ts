// The shape of a command and the exit statuses of all of them.

import type { Argv } from "yargs";

export const ExitStatus = {
  done: 0,
  /** The act failed, or the answer is no (key not found). */
  failed: 1,
  usage: 2,
  /** EX_UNAVAILABLE: no Hyper-V device here. */
  noDevice: 69,
  /** EX_SOFTWARE: a bug of ours. */
  bug: 70,
  /** EX_CONFIG: hvguest.toml is wrong; starting again does not help. */
  configuration: 78,
  /** lsvmbus where there is no VMBus, as the kernel's tool. */
  noBus: 255,
} as const;

export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];

/** The operator's mistake: one line on standard error, status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The act failed for a reason that is told in one line, with its exit status. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly status: ExitStatus;

  constructor(message: string, status: ExitStatus = ExitStatus.failed, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What a command has besides its arguments. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Writes to standard output, all of it, before it returns. */
  readonly print: (text: string) => void;
  /** Writes a line to standard error. */
  readonly complain: (text: string) => void;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** All commands, for those that tell about them. */
  readonly commands: readonly Command[];
}

/** One command, or a group of commands: a group has `commands` and no `run`. */
export interface Command<Arguments = Record<string, unknown>> {
  /** yargs form: `get <key>`. */
  readonly usage: string;
  readonly description: string;
  /** Other names for the same. */
  readonly aliases?: readonly string[];
  readonly options?: (yargs: Argv) => Argv<Arguments>;
  readonly commands?: readonly Command[];
  readonly run?: (args: Arguments, context: CommandContext) => ExitStatus | Promise<ExitStatus>;
}

/** Keeps the argument types of one command, and forgets them for lists of commands. */
export function command<Arguments>(definition: Command<Arguments>): Command {
  return definition as unknown as Command;
}
