// Text to standard output and standard error.

import { writeSync } from "node:fs";
import { CommandError, ExitStatus } from "./command.ts";

/** Writes all of it. @throws CommandError when the reader has gone or the disk is full. */
export function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") {
        // Somebody made the shared description non-blocking: give the reader time.
        Bun.sleepSync(5);
        continue;
      }
      const reason = error instanceof Error ? error.message : String(error);
      throw new CommandError(`write the output: ${reason}`, ExitStatus.failed, { cause: error });
    }
  }
}
