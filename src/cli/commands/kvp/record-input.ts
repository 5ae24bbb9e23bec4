// Records and keys from standard input or a file, one a line.

import { readFileSync } from "node:fs";
import { callFile } from "../../../platform/file-call.ts";
import {
  encodeRecord,
  type PoolRecord,
  RecordError,
  type RecordLimits,
} from "../../../services/kvp/pool-record.ts";
import { CommandError, ExitStatus, UsageError } from "../../command.ts";

/**
 * The text of a file, or of standard input for undefined and "-".
 * @throws UsageError when it is not UTF-8; NativeError or CommandError when it cannot be read
 */
export async function inputText(path: string | undefined): Promise<string> {
  const bytes =
    path === undefined || path === "-"
      ? await standardInput()
      : callFile(`read '${path}'`, () => readFileSync(path));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`'${path ?? "-"}' is not UTF-8`, { cause: error });
  }
}

/** @throws CommandError when it cannot be read: it may be a folder */
async function standardInput(): Promise<Uint8Array> {
  try {
    return await Bun.stdin.bytes();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`read standard input: ${reason}`, ExitStatus.failed, { cause: error });
  }
}

/** Lines without their ends; empty ones are left out, their numbers count. */
export function linesOf(text: string): { readonly number: number; readonly line: string }[] {
  return text
    .split("\n")
    .map((line, index) => ({ number: index + 1, line }))
    .filter(({ line }) => line !== "");
}

/**
 * Records of `KEY=VALUE` lines, or of lines of JSON (`{"key": …, "value": …}`) as
 * `export --json` and `list --json` print them.
 * @throws UsageError that names the line which is no record or exceeds the limits.
 */
export function recordsOf(text: string, isJson: boolean, limits: RecordLimits): PoolRecord[] {
  return linesOf(text).map(({ number, line }) => {
    try {
      const record = isJson ? jsonRecord(line) : textRecord(line);
      encodeRecord(record.key, record.value, limits);
      return record;
    } catch (error) {
      if (error instanceof RecordError || error instanceof SyntaxError) {
        throw new UsageError(`line ${number}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  });
}

function textRecord(line: string): PoolRecord {
  const end = line.indexOf("=");
  if (end < 0) {
    throw new RecordError("need KEY=VALUE");
  }
  return { key: line.slice(0, end), value: line.slice(end + 1) };
}

function jsonRecord(line: string): PoolRecord {
  const parsed: unknown = JSON.parse(line);
  if (
    typeof parsed === "object" &&
    parsed !== null &&
    "key" in parsed &&
    typeof parsed.key === "string" &&
    "value" in parsed &&
    typeof parsed.value === "string"
  ) {
    return { key: parsed.key, value: parsed.value };
  }
  throw new RecordError('need {"key": "…", "value": "…"}');
}
