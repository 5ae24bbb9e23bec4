// Carries a plan out: all of it and in force, or as it was before.

import { readFileSync, statSync } from "node:fs";
import { removeFile, replaceFile } from "../../platform/replace-file.ts";
import { RunError, runOrThrow } from "../../platform/run-command.ts";
import type { FileChange, Plan, Step } from "./plan.ts";
import {
  journalOf,
  readJournal,
  removeJournal,
  restoreFiles,
  type UndoJournal,
  writeJournal,
} from "./undo-journal.ts";

/** The plan failed and has been taken back; the message says why, and whether that went well. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
}

export interface ApplyOptions {
  readonly root: string;
  /** Ends the attempt; what was done is taken back. */
  readonly signal: AbortSignal;
  /** Seconds that taking back may last: it comes after the deadline of `signal`. */
  readonly undoSeconds: number;
  /** Resolves when the configuration is in force. @throws Error when it is not in time */
  readonly verify: (signal: AbortSignal) => Promise<void>;
  /** Whether a failure only means that the interface waits for a cable. */
  readonly waitsForCarrier: () => boolean;
}

/** No single step is waited for longer; the signal usually comes first. */
const stepSeconds = 30;

/** Of the time for taking back, what may go before the files are put back. */
const shareBefore = 0.5;

/** @throws ApplyError after taking back what was done */
export async function applyPlan(
  plan: Plan,
  options: ApplyOptions,
): Promise<"in force" | "waits for a carrier"> {
  const { root, signal } = options;
  const previous = readJournal(root);
  const journal = journalOf(plan, root);
  writeJournal(root, journal);
  let outcome: "in force" | "waits for a carrier" = "in force";
  try {
    await runSteps(plan.before, signal);
    for (const file of plan.files) {
      change(file, root);
    }
    try {
      await runSteps(plan.activate, signal);
      await options.verify(signal);
    } catch (error) {
      if (signal.aborted || !options.waitsForCarrier()) {
        throw error;
      }
      outcome = "waits for a carrier";
    }
  } catch (error) {
    const taken = await takeBack(journal, previous, options);
    throw new ApplyError(`${textOf(error)}; ${taken}`, { cause: error });
  }
  writeJournal(root, { ...journal, state: "applied" });
  return outcome;
}

/**
 * Takes the last change back, also one that a crash left half way.
 * @returns what was taken back, with what the managers had against it; undefined
 * when there was nothing
 * @throws ApplyError when not all files could be put back; it can be tried again
 */
export async function rollBack(
  root: string,
  seconds: number,
  wanted: (journal: UndoJournal) => boolean = () => true,
): Promise<{ readonly journal: UndoJournal; readonly complaints: string } | undefined> {
  const journal = readJournal(root);
  if (journal === undefined || !wanted(journal)) {
    return undefined;
  }
  const complaints = await undo(journal, root, seconds);
  removeJournal(root);
  return { journal, complaints };
}

/** What became of it, in words. The change before this one can be taken back again then. */
async function takeBack(
  journal: UndoJournal,
  previous: UndoJournal | undefined,
  { root, undoSeconds }: ApplyOptions,
): Promise<string> {
  try {
    const complaints = await undo(journal, root, undoSeconds);
    if (previous?.state === "applied") {
      writeJournal(root, previous);
    } else {
      removeJournal(root);
    }
    return `taken back${complaints}`;
  } catch (error) {
    return textOf(error);
  }
}

/**
 * What steps had against it, empty or ", but …": a manager that does not run has
 * its old files, and will read them.
 * @throws ApplyError when files could not be put back
 */
async function undo(journal: UndoJournal, root: string, seconds: number): Promise<string> {
  const end = performance.now() + seconds * 1000;
  // What was applied has nothing left that is to be ended, but maybe a DHCP client.
  const abandon = journal.state === "applying" ? (journal.abandon ?? []) : [];
  // A step that hangs takes its share, and the manager comes back all the same.
  const share = AbortSignal.timeout(seconds * 1000 * shareBefore);
  const complaints = [await complaintOf(abandon, share), await complaintOf(journal.before, share)];
  try {
    restoreFiles(journal, root);
  } catch (error) {
    throw new ApplyError(`taking it back failed: ${textOf(error)}`, { cause: error });
  } finally {
    const rest = AbortSignal.timeout(Math.max(0, end - performance.now()));
    complaints.push(await complaintOf(journal.reactivate, rest));
  }
  return complaints
    .filter((complaint) => complaint !== undefined)
    .map((complaint) => `, but ${complaint}`)
    .join("");
}

async function complaintOf(
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await runSteps(steps, signal);
    return undefined;
  } catch (error) {
    return textOf(error);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function runSteps(steps: readonly Step[], signal: AbortSignal): Promise<void> {
  for (const { program, args, mayFail } of steps) {
    try {
      await runOrThrow(program, args, { timeoutSeconds: stepSeconds, signal });
    } catch (error) {
      if (mayFail !== true || !(error instanceof RunError)) {
        throw error;
      }
    }
  }
}

function change({ path, text, mode }: FileChange, root: string): void {
  const place = `${root}${path}`;
  if (text === undefined) {
    removeFile(place);
    return;
  }
  const there = statSync(place, { throwIfNoEntry: false });
  if (there !== undefined && readFileSync(place, "utf8") === text && mode === undefined) {
    return;
  }
  replaceFile(place, text, mode ?? (there === undefined ? 0o644 : there.mode & 0o7777), there);
}
