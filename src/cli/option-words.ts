// Looks at the options among a command line's words before yargs counts operands:
// it would tell of a missing operand where an option is wrong, as it gives the word
// after an unknown option to that option.

import { UsageError } from "./command.ts";

export interface KnownOptions {
  /** With and without dashes in front, as one declares them. */
  readonly names: readonly string[];
  /** Those that are there or not, and take no value. */
  readonly booleans: readonly string[];
}

/**
 * Requires that options are known, and that none has a value which it does not take:
 * yargs reads `--dry-run=yes` as `--no-dry-run`.
 * @throws UsageError that names the first that is wrong
 */
export function requireKnownOptions(words: readonly string[], known: KnownOptions): void {
  const names = new Set(known.names.map(plain));
  const booleans = new Set(known.booleans.map(plain));
  for (const word of words) {
    const [, long, value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
    const name = long === undefined ? undefined : plain(long);
    // Of letters in a row the first: yargs splits the others off.
    const letter = /^-([^-\d])/.exec(word)?.[1];
    const isKnown =
      name === undefined
        ? letter === undefined || names.has(letter)
        : names.has(name) || names.has(name.replace(/^no-/, ""));
    if (!isKnown) {
      throw new UsageError(`Unknown option '${letter === undefined ? `--${long}` : `-${letter}`}'`);
    }
    if (name !== undefined && booleans.has(name) && ![undefined, "true", "false"].includes(value)) {
      throw new UsageError(`--${name} takes no value, and was given '${value}'`);
    }
  }
}

/** yargs takes `dryRun` for `dry-run`. */
function plain(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
