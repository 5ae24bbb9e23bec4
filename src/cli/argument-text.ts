// Arguments that are not UTF-8: the runtime has put U+FFFD into them, and what they
// name cannot be told any more.

import { readFileSync } from "node:fs";
import { UsageError } from "./command.ts";

const replacement = "\u{fffd}";

/**
 * @param commandLine where the kernel has the words of this process as they were given
 * @throws UsageError when one of them is not UTF-8
 */
export function requireUtf8(args: readonly string[], commandLine = "/proc/self/cmdline"): void {
  const position = args.findIndex((argument) => argument.includes(replacement));
  if (position < 0) {
    return;
  }
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(commandLine));
  } catch (error) {
    throw new UsageError(`argument ${position + 1} ('${args[position]}') is not UTF-8`, {
      cause: error,
    });
  }
}
