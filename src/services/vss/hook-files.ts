// The programs that quiesce applications, found in the places of the configuration.
// The directories are those of QEMU's guest agent (fsfreeze-hook.d), of open-vm-tools
// (backupScripts.d) and our own; all call a program with `freeze` and with `thaw`.

import { readdirSync, type Stats, statSync } from "node:fs";
import { basename, join } from "node:path";

/** A hook that may not be run. */
export class HookError extends Error {
  override readonly name = "HookError";
}

export interface Hook {
  readonly path: string;
  /** What it is called with when the freeze has failed: open-vm-tools tells it apart. */
  readonly failureWord: "thaw" | "freezeFail";
}

/** Left by editors and package managers, as QEMU's fsfreeze-hook passes over them. */
const ignored = /^\.|~$|\.(bak|bk|orig|rej|sample|rpmnew|rpmorig|rpmsave|swp)$|\.dpkg-[a-z]+$/;

/**
 * All hooks in the order of their call: place by place, and by name within one. A
 * place that is missing has none; what is not executable is no hook.
 * @throws HookError when somebody else than root could have written one
 */
export function findHooks(places: readonly string[]): readonly Hook[] {
  return places.flatMap((place) => {
    const kind = stat(place);
    if (kind === undefined) {
      return [];
    }
    const failureWord = basename(place) === "backupScripts.d" ? "freezeFail" : "thaw";
    if (!kind.isDirectory()) {
      return isHook(kind) ? [checked({ path: place, failureWord }, kind)] : [];
    }
    return readdirSync(place)
      .filter((name) => !ignored.test(name))
      .toSorted()
      .flatMap((name) => {
        const path = join(place, name);
        const found = stat(path);
        return isHook(found) ? [checked({ path, failureWord }, found)] : [];
      });
  });
}

function stat(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isHook(found: Stats | undefined): found is Stats {
  return found !== undefined && found.isFile() && (found.mode & 0o111) !== 0;
}

function checked(hook: Hook, { uid, mode }: Stats): Hook {
  if ((uid !== 0 && uid !== process.geteuid?.()) || (mode & 0o022) !== 0) {
    throw new HookError(`run '${hook.path}': others than root may write it`);
  }
  return hook;
}
