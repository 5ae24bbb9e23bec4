// Takes out of an image what an installation put there.

import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { removeDiversion } from "./dpkg-diversions.ts";
import { type Held, heldAt } from "./file-state.ts";
import { type Change, InstallRefused } from "./install.ts";
import { type Manifest, packagedMarker, readManifest, removeManifest } from "./manifest.ts";
import { inRoot, targetInRoot } from "./root-path.ts";

export interface UninstallOptions {
  readonly root: string;
  /** Removes what was changed since, and the pools, too. */
  readonly purge: boolean;
  readonly dryRun: boolean;
}

/** Folders that are ours with all that is in them. */
const ownFolders = ["/etc/hvguest", "/etc/hvguest/hvguest.toml.d", "/var/lib/hyperv"];

/** Where the manifest was. */
const manifestFolder = "/usr/lib/hvguest";

/**
 * Removes every file and link that the installation made and nobody changed since,
 * and puts the distribution's programs back. Undefined when hvguest was not
 * installed there by {@link install}.
 * @throws InstallRefused before any change, when the files are a package's
 */
export function uninstall(options: UninstallOptions): Change[] | undefined {
  const { root, dryRun } = options;
  if (existsSync(inRoot(root, packagedMarker))) {
    throw new InstallRefused("hvguest is installed there as a package: remove the package");
  }
  const manifest = readManifest(root);
  if (manifest === undefined) {
    return undefined;
  }
  const made = Object.entries(manifest.made).toReversed();
  const files = made.filter(([, held]) => held !== "folder");
  const removed = files.flatMap(([path, held]) => remove(options, path, held));
  const changes = [...removed, ...restoreMoved(options, manifest, removed)];
  if (!dryRun) {
    removeManifest(root);
    removeIfEmpty(targetInRoot(root, manifestFolder));
    const folders = made.filter(([, held]) => held === "folder");
    folders.forEach(([path]) => removeFolder(options, path));
  }
  return changes;
}

function remove({ root, purge, dryRun }: UninstallOptions, path: string, held: Held): Change[] {
  const place = inRoot(root, path);
  const found = heldAt(place);
  if (found === undefined) {
    return [];
  }
  if (found !== held && !purge) {
    return [{ path, change: "kept", note: "it was changed" }];
  }
  if (!dryRun) {
    rmSync(place);
  }
  return [{ path, change: "removed" }];
}

function removeFolder({ root, purge }: UninstallOptions, path: string): void {
  const place = targetInRoot(root, path);
  if (purge && ownFolders.includes(path)) {
    rmSync(place, { recursive: true, force: true });
  } else {
    removeIfEmpty(place);
  }
}

/** Nothing is lost when somebody has put another program there: both stay. */
function restoreMoved(
  { root, dryRun }: UninstallOptions,
  { moved }: Manifest,
  removed: readonly Change[],
): Change[] {
  const goes = (path: string) =>
    removed.some((change) => change.path === path && change.change === "removed");
  return Object.entries(moved).flatMap(([path, aside]): Change[] => {
    const [place, from] = [inRoot(root, path), inRoot(root, aside)];
    const isTaken = heldAt(place) !== undefined && !goes(path);
    if (!dryRun) {
      removeDiversion(root, path, aside);
    }
    if (heldAt(from) === undefined) {
      return [];
    }
    if (isTaken) {
      return [{ path: aside, change: "kept", note: `'${path}' is another program now` }];
    }
    if (!dryRun) {
      renameSync(from, place);
    }
    return [{ path, change: "restored", note: `from '${aside}'` }];
  });
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) {
    rmdirSync(folder);
  }
}
