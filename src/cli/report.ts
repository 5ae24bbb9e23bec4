// Turns how a command ended into an exit status and at most one line.

import { ConfigurationError } from "../agent/configuration.ts";
import { directSink, isJournal, Logger } from "../log.ts";
import { NativeError } from "../native/native-error.ts";
import { WireError } from "../protocol/wire/struct.ts";
import { CommandError, ExitStatus, UsageError } from "./command.ts";

/** An argument may be longer than anybody reads, and than a pipe holds. */
const maxTextLength = 1000;

/** Runs a command. A failure that is not foreseen is a bug and shows its stack. */
export async function report(run: () => Promise<ExitStatus>): Promise<ExitStatus> {
  try {
    return await run();
  } catch (error) {
    const { status, text } = describe(error);
    const journal = isJournal(process.env);
    const shown = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
    new Logger({ sink: directSink, level: "info", journal }).log("hvguest").error(shown);
    if (status === ExitStatus.bug && error instanceof Error) {
      for (const line of error.stack?.split("\n") ?? []) {
        directSink(`${journal ? "<3>" : ""}${line}\n`);
      }
    }
    return status;
  }
}

function describe(error: unknown): { status: ExitStatus; text: string } {
  if (error instanceof UsageError) {
    return { status: ExitStatus.usage, text: error.message };
  }
  if (error instanceof CommandError) {
    return { status: error.status, text: error.message };
  }
  if (error instanceof ConfigurationError) {
    return { status: ExitStatus.configuration, text: error.message };
  }
  if (
    error instanceof NativeError ||
    // The kernel's first words are not its protocol: no fault of ours.
    error instanceof WireError
  ) {
    return { status: ExitStatus.failed, text: error.message };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { status: ExitStatus.bug, text: `bug: ${text}` };
}
