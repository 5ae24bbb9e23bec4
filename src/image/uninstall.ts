// Takes out of an image what an installation put there.

import { existsSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { removeDiversion } from "./dpkg-diversions.ts";
import { type Held, heldAt } from "./file-state.ts";
import type { Change } from "./install.ts";
import { type Manifest, readManifest, removeManifest } from "./manifest.ts";
import { inRoot } from "./root-path.ts";

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
 */
export function uninstall(options: UninstallOptions): Change[] | undefined {
  const { root, dryRun } = options;
  const manifest = readManifest(root);
  if (manifest === undefined) {
    return undefined;
  }
  const made = Object.entries(manifest.made).toReversed();
  const files = made.filter(([, held]) => held !== "folder");
  const changes = [
    ...files.flatMap(([path, held]) => remove(options, path, held)),
    ...restoreMoved(options, manifest),
  ];
  if (!dryRun) {
    removeManifest(root);
    removeIfEmpty(inRoot(root, manifestFolder));
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
  const place = inRoot(root, path);
  if (purge && ownFolders.includes(path)) {
    rmSync(place, { recursive: true, force: true });
  } else {
    removeIfEmpty(place);
  }
}

function restoreMoved({ root, dryRun }: UninstallOptions, { moved }: Manifest): Change[] {
  return Object.entries(moved).flatMap(([path, aside]) => {
    const [place, from] = [inRoot(root, path), inRoot(root, aside)];
    if (!dryRun) {
      removeDiversion(root, path, aside);
    }
    if (!existsSync(from)) {
      return [];
    }
    if (!dryRun) {
      renameSync(from, place);
    }
    return [{ path, change: "restored" as const, note: `from '${aside}'` }];
  });
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) {
    rmdirSync(folder);
  }
}
