// Log lines for people who read a journal: one event, one line, priorities of
// sd-daemon(3). Only cli, agent and services log; everything below them throws.

import { fstatSync, writeSync } from "node:fs";

const priorities = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;

export type Level = keyof typeof priorities;

/** Takes one finished line, newline included, and never throws. */
export type LogSink = (line: string) => void;

/** The log of one area of the program. */
export interface Log {
  /** Something asked of us failed and we give up on it. */
  error(text: string): void;
  /** Something failed and we go on: "…, ignoring", "…, trying again in 2 s". */
  warning(text: string): void;
  /** A state that an operator may look for. */
  notice(text: string): void;
  info(text: string): void;
  /** Every message; the text is made only when it is shown. */
  debug(text: () => string): void;
  /** Whether {@link debug} writes. */
  readonly showsDebug: boolean;
  /** The same log for an area below. */
  area(name: string): Log;
}

export interface LogOptions {
  readonly sink: LogSink;
  readonly level: Level;
  /** Lines begin with `<N>` for a journal, else with the level's word. */
  readonly journal: boolean;
}

/** How a line of this level begins. */
export function linePrefix(level: Level, journal: boolean): string {
  return journal ? `<${priorities[level]}>` : `${level}: `;
}

/** Lines of a log that may have to wait, because file systems are frozen. */
export class Logger {
  #held: string[] | undefined;
  #heldDropped = 0;
  #level: Level;
  readonly #options: LogOptions;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#level = options.level;
  }

  /** What is written from now on. */
  setLevel(level: Level): void {
    this.#level = level;
  }

  /** Keeps all lines in memory until {@link release}, at most 1,000. */
  hold(): void {
    this.#held ??= [];
  }

  /** Writes the lines kept since {@link hold}. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    held.forEach(this.#options.sink);
    if (this.#heldDropped > 0) {
      const dropped = this.#heldDropped;
      this.#heldDropped = 0;
      this.log("log").warning(`${dropped} lines were dropped while file systems were frozen`);
    }
  }

  log(area: string): Log {
    const showsDebug = () => priorities[this.#level] >= priorities.debug;
    const at = (level: Level) => (text: string) => this.#write(level, area, text);
    return {
      error: at("error"),
      warning: at("warning"),
      notice: at("notice"),
      info: at("info"),
      debug: (text) => {
        if (showsDebug()) {
          this.#write("debug", area, text());
        }
      },
      get showsDebug() {
        return showsDebug();
      },
      area: (name) => this.log(`${area}.${name}`),
    };
  }

  #write(level: Level, area: string, text: string): void {
    if (priorities[level] > priorities[this.#level]) {
      return;
    }
    const line = `${linePrefix(level, this.#options.journal)}${area}: ${printable(text)}\n`;
    if (this.#held === undefined) {
      this.#options.sink(line);
    } else if (this.#held.length < 1000) {
      this.#held.push(line);
    } else {
      this.#heldDropped += 1;
    }
  }
}

/** One line: control characters, which a host may have sent, become visible escapes, and
 * so do bytes of names that are not UTF-8 (platform/file-name.ts). */
export function printable(text: string): string {
  return text.replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what it is about
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\uef80-\uefff]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0").replace(/^ef/, "")}`,
  );
}

/** Whether standard error goes to the journal (systemd.exec(5), `JOURNAL_STREAM`). */
export function isJournal(environment: Readonly<Record<string, string | undefined>>): boolean {
  const stream = environment["JOURNAL_STREAM"];
  if (stream === undefined) {
    return false;
  }
  const { dev, ino } = fstatSync(2);
  return stream === `${dev}:${ino}`;
}

/** For commands: writes at once, and waits for a reader as any command does. */
export const directSink: LogSink = (line) => {
  try {
    writeSync(2, line);
  } catch {
    // Standard error is closed: there is no place to say so.
  }
};
