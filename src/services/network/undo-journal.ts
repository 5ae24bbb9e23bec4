// What takes the last change back: the files as they were and the steps that put
// them in force. Written before anything is touched, so that it is there after a crash.

import { lstatSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { removeFile, replaceFile } from "../../platform/replace-file.ts";
import type { FileChange, Plan, Step } from "./plan.ts";

const path = "/var/lib/hvguest/network-undo.json";

interface SavedFile {
  readonly path: string;
  /** Absent: there was no file. */
  readonly was?:
    | { readonly base64: string; readonly mode: number; readonly uid: number; readonly gid: number }
    | { readonly link: string };
}

export interface UndoJournal {
  /** `applying` after a crash half way. */
  readonly state: "applying" | "applied";
  readonly manager: string;
  readonly interfaceName: string;
  readonly files: readonly SavedFile[];
  /** Absent from versions that had none. */
  readonly abandon?: readonly Step[];
  readonly before: readonly Step[];
  readonly reactivate: readonly Step[];
}

/** Somebody or something has written over the journal; the message says what to do. */
export class DamagedJournal extends Error {
  override readonly name = "DamagedJournal";
}

/** The journal of the last change; undefined when there is none. @throws DamagedJournal */
export function readJournal(root: string): UndoJournal | undefined {
  let text: string;
  try {
    text = readFileSync(`${root}${path}`, "utf8");
  } catch {
    // Nothing was ever changed.
    return undefined;
  }
  try {
    const journal: UndoJournal = JSON.parse(text);
    if (Array.isArray(journal.files)) {
      return journal;
    }
  } catch (error) {
    throw damaged(root, error);
  }
  throw damaged(root);
}

function damaged(root: string, cause?: unknown): DamagedJournal {
  return new DamagedJournal(
    `'${root}${path}' is damaged: without it the last change cannot be taken back; remove it`,
    { cause },
  );
}

/** @throws Error of the system call; nothing has been touched then */
export function writeJournal(root: string, journal: UndoJournal): void {
  // Keyfiles may hold secrets.
  replaceFile(`${root}${path}`, `${JSON.stringify(journal)}\n`, 0o600);
}

export function removeJournal(root: string): void {
  removeFile(`${root}${path}`);
}

/** The journal that takes `plan` back. */
export function journalOf(plan: Plan, root: string): UndoJournal {
  return {
    state: "applying",
    manager: plan.manager,
    interfaceName: plan.interfaceName,
    files: plan.files.map((file) => saved(file, root)),
    abandon: plan.abandon ?? [],
    before: plan.before,
    reactivate: plan.reactivate,
  };
}

/** Puts the files back. @throws AggregateError when some could not be, after trying all */
export function restoreFiles(journal: UndoJournal, root: string): void {
  const failures: unknown[] = [];
  for (const file of journal.files) {
    try {
      restore(file, root);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) {
    throw new AggregateError(failures, failures.map(String).join("; "));
  }
}

function saved({ path: file }: FileChange, root: string): SavedFile {
  const status = lstatSync(`${root}${file}`, { throwIfNoEntry: false });
  if (status === undefined) {
    return { path: file };
  }
  if (status.isSymbolicLink()) {
    return { path: file, was: { link: readlinkSync(`${root}${file}`) } };
  }
  const base64 = readFileSync(`${root}${file}`).toString("base64");
  const { uid, gid } = status;
  return { path: file, was: { base64, mode: status.mode & 0o7777, uid, gid } };
}

function restore({ path: file, was }: SavedFile, root: string): void {
  const place = `${root}${file}`;
  if (was === undefined) {
    removeFile(place);
  } else if ("link" in was) {
    rmSync(place, { force: true });
    symlinkSync(was.link, place);
  } else {
    replaceFile(place, Buffer.from(was.base64, "base64"), was.mode, was);
  }
}
