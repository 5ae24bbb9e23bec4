// Files of `KEY=value` lines, also in sections: what service managers leave in
// /run, lease files, keyfiles, ifcfg files. For reading single values only.

import { readFileSync } from "node:fs";

/** The text of a file; undefined when it cannot be read. */
export function readTextIfAny(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Whoever would have written it does not run here.
    return undefined;
  }
}

/**
 * The value of the last `key=` line, in `[section]` when one is given, without
 * quotes around it.
 */
export function keyValue(text: string, key: string, section?: string): string | undefined {
  let current: string | undefined;
  let value: string | undefined;
  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const header = /^\[(.*)\]$/.exec(line);
    if (header !== null) {
      current = header[1];
      continue;
    }
    const equals = line.indexOf("=");
    if (
      equals > 0 &&
      (section === undefined || section === current) &&
      line.slice(0, equals).trim() === key
    ) {
      value = unquoted(line.slice(equals + 1).trim());
    }
  }
  return value;
}

function unquoted(value: string): string {
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value;
}
