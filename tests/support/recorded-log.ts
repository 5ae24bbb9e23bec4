// A log that keeps its lines.

import { type Level, type Log, Logger } from "../../src/log.ts";

/** The log of an area, and the lines that it has written, such as `info: area: text`. */
export function recordedLog(area: string, level: Level = "debug"): [Log, readonly string[]] {
  const lines: string[] = [];
  const logger = new Logger({
    sink: (line) => lines.push(line.trimEnd()),
    level,
    journal: false,
  });
  return [logger.log(area), lines];
}
