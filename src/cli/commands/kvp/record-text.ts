// Records as lines of text and of JSON.

import { isatty } from "node:tty";
import type { PoolRecord } from "../../../services/kvp/pool-record.ts";

/** `KEY=VALUE` lines; on a terminal control characters are visible escapes. */
export function recordLines(records: readonly PoolRecord[]): string {
  return shown(records.map(({ key, value }) => `${key}=${value}`).join("\n"), records.length > 0);
}

/** A value as it is, with a newline. */
export function valueLine(value: string): string {
  return shown(value, true);
}

/** One line of JSON. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

// The host writes into pools what it likes; a terminal must not obey it.
function shown(text: string, endLine: boolean): string {
  const safe = isatty(1)
    ? text.replaceAll(
        // oxlint-disable-next-line no-control-regex -- control characters are what it is about
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g,
        (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
      )
    : text;
  return endLine ? `${safe}\n` : "";
}
