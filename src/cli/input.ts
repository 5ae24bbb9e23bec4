// Text from a file or from standard input.

import { createReadStream } from "node:fs";
import { NativeError } from "../native/native-error.ts";
import { CommandError, ExitStatus, UsageError } from "./command.ts";

/**
 * The text of a file, or of standard input for undefined and "-". Not more than
 * `maxBytes` are read: a device or a pipe may never end.
 * @throws UsageError when it is longer or not UTF-8; NativeError or CommandError
 * when it cannot be read
 */
export async function inputText(path: string | undefined, maxBytes: number): Promise<string> {
  const isStandardInput = path === undefined || path === "-";
  const name = isStandardInput ? "standard input" : `'${path}'`;
  const bytes = await readAtMost(
    isStandardInput ? Bun.stdin.stream() : createReadStream(path),
    name,
    maxBytes,
  );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${name} is not UTF-8`, { cause: error });
  }
}

async function readAtMost(
  source: AsyncIterable<Uint8Array>,
  name: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of source) {
      length += chunk.length;
      if (length > maxBytes) {
        throw new UsageError(`${name} is longer than ${maxBytes} bytes`);
      }
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof UsageError ? error : readError(name, error);
  }
  return Buffer.concat(chunks);
}

function readError(name: string, error: unknown): Error {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number") {
    return new NativeError(`read ${name}`, Math.abs(error.errno), { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new CommandError(`read ${name}: ${reason}`, ExitStatus.failed, { cause: error });
}
