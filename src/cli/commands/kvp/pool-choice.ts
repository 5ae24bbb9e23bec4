// Which pool a command is about, and how its failures are told.

import { pathsFrom } from "../../../platform/paths.ts";
import {
  changePool,
  clearPool,
  type PoolView,
  viewPool,
} from "../../../services/kvp/pool-access.ts";
import type { PoolEditor } from "../../../services/kvp/pool-editor.ts";
import { PoolImage } from "../../../services/kvp/pool-image.ts";
import {
  type PoolName,
  poolNames,
  poolNumber,
  poolPath,
} from "../../../services/kvp/pool-names.ts";
import {
  PoolError,
  RecordError,
  type RecordLimits,
  safeLimits,
  wireLimits,
} from "../../../services/kvp/pool-record.ts";
import {
  command,
  type Command,
  type CommandContext,
  CommandError,
  type ExitStatus,
  UsageError,
} from "../../command.ts";

/** The options of the group, which hold for all its commands. */
export interface PoolArguments {
  readonly pool: string;
  readonly dir: string | undefined;
  readonly json: boolean;
  readonly "wire-limits": boolean;
}

/** A command of the group: its arguments are its own and those of the group. */
export function poolCommand<Own>(
  definition: Omit<Command<Own>, "run"> & {
    readonly run: (
      args: Own & PoolArguments,
      context: CommandContext,
    ) => ExitStatus | Promise<ExitStatus>;
  },
): Command {
  // yargs hands the options of a group to its commands, which its types do not know.
  return command(definition as unknown as Command<Own>);
}

/** How long a command waits for another program to release a pool. */
const waitMilliseconds = 10_000;

/** The pool of one command. Its failures are UsageError or CommandError. */
export class ChosenPool {
  readonly name: PoolName;
  readonly directory: string;
  readonly path: string;
  readonly limits: RecordLimits;
  readonly #complain: (text: string) => void;

  constructor(args: PoolArguments, context: CommandContext) {
    // yargs makes a list of an option that is given twice.
    for (const [name, value] of Object.entries({ pool: args.pool, dir: args.dir })) {
      if (Array.isArray(value)) {
        throw new UsageError(`give --${name} once`);
      }
    }
    const number = poolNumber(args.pool);
    const name = number === undefined ? undefined : poolNames[number];
    if (number === undefined || name === undefined) {
      throw new UsageError(`there is no pool '${args.pool}': ${poolNames.join(", ")}, or 0 to 4`);
    }
    this.name = name;
    this.directory = args.dir ?? pathsFrom(context.environment).pools;
    this.path = poolPath(this.directory, number);
    this.limits = args["wire-limits"] ? wireLimits : safeLimits;
    this.#complain = context.complain;
  }

  /** The file as it is now, undefined when there is none. */
  view(): PoolView | undefined {
    return told(() => viewPool(this.path, waitMilliseconds));
  }

  /** The records as they are now. */
  image(): PoolImage {
    return this.view()?.image ?? new PoolImage(new Uint8Array());
  }

  /** Deletes all records, if that is still wanted once no other program writes. */
  clear(isWanted: () => boolean): void {
    told(() => {
      clearPool(this.path, waitMilliseconds, isWanted);
    });
  }

  change<T>(change: (editor: PoolEditor) => T): T {
    const { limits } = this;
    const onRepair = (copy: string) => {
      this.#complain(
        `'${this.path}' ended in a partial record, cut off; the original is '${copy}'`,
      );
    };
    return told(() => changePool(this.path, { limits, waitMilliseconds, onRepair }, change));
  }
}

/** Runs an act on a pool and turns what it refuses into the command's failure. */
export function told<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof RecordError) {
      throw new UsageError(error.message, { cause: error });
    }
    if (error instanceof PoolError) {
      throw new CommandError(error.message, undefined, { cause: error });
    }
    throw error;
  }
}
