// Records and keys in text, one a line.

import {
  encodeRecord,
  type PoolRecord,
  RecordError,
  type RecordLimits,
} from "../../../services/kvp/pool-record.ts";
import { UsageError } from "../../command.ts";

/** Twice the text of a full pool: 13,107 records, each up to 254 and 1,022 bytes long. */
export const maxRecordText = 32 * 1024 * 1024;

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
