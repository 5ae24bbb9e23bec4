// The machine as back-ends see it: its files and the programs to ask. Back-ends
// look and plan; they change nothing.

import { accessSync, constants, lstatSync, readdirSync, readFileSync } from "node:fs";
import { findProgram, run, type RunResult } from "../../platform/run-command.ts";

/** Questions to a manager are answered in no time, or the manager is not well. */
const questionSeconds = 5;

export interface Machine {
  /** Before the path of every file: empty, or a directory. */
  readonly root: string;
  /** The text of a file; undefined when it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** The names in a directory, sorted; none when it cannot be read. */
  readonly list: (path: string) => string[];
  /** The absolute path of an installed program. */
  readonly program: (name: string) => string | undefined;
  readonly isExecutable: (path: string) => boolean;
  readonly isLink: (path: string) => boolean;
  /** Asks a program; undefined when it is not installed or does not answer in time. */
  readonly ask: (name: string, ...args: readonly string[]) => Promise<RunResult | undefined>;
}

/** This machine; `root` comes before the path of every file. */
export function thisMachine(root: string): Machine {
  const quietly = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch {
      // Not there, or not for us: who looks decides what that means.
      return undefined;
    }
  };
  return {
    root,
    read: (path) => quietly(() => readFileSync(`${root}${path}`, "utf8")),
    list: (path) => quietly(() => readdirSync(`${root}${path}`).toSorted()) ?? [],
    program: (name) => findProgram(name),
    isExecutable: (path) =>
      quietly(() => {
        accessSync(`${root}${path}`, constants.X_OK);
        return true;
      }) ?? false,
    isLink: (path) => quietly(() => lstatSync(`${root}${path}`).isSymbolicLink()) ?? false,
    ask: async (name, ...args) => {
      const program = findProgram(name);
      if (program === undefined) {
        return undefined;
      }
      try {
        return await run(program, args, { timeoutSeconds: questionSeconds });
      } catch {
        // It hangs or cannot start: that is no answer.
        return undefined;
      }
    },
  };
}
