// What an installation made, kept in the image so that the next one and uninstall
// touch nothing else.

import { rmSync } from "node:fs";
import { type Choices, parseChoices } from "./choices.ts";
import { type Held, putText, readJson } from "./file-state.ts";
import { inRoot } from "./root-path.ts";

const path = "/usr/lib/hvguest/installed.json";

/** A distribution's package says here that the files are its own. */
export const packagedMarker = "/usr/lib/hvguest/packaged";

export interface Manifest {
  readonly version: string;
  /** What was put at each place, in the order in which it was. */
  readonly made: Readonly<Record<string, Held>>;
  /** Programs of others that were moved aside, and where to. */
  readonly moved: Readonly<Record<string, string>>;
  /** The options that were given, to the last installation or one before it. */
  readonly choices: Choices;
}

/** The manifest of the image at `root`, or an empty one. @throws Error when it is broken. */
export function readManifest(root: string): Manifest | undefined {
  const value = readJson(inRoot(root, path));
  if (value === undefined) {
    return undefined;
  }
  const manifest = value as Partial<Manifest>;
  if (typeof manifest?.made !== "object" || typeof manifest.moved !== "object") {
    throw new Error(`'${root}${path}' is not a list of installed files`);
  }
  const { version, made, moved, choices } = manifest;
  return { version: String(version), made, moved, choices: parseChoices(choices) };
}

export function writeManifest(root: string, manifest: Manifest): void {
  putText(inRoot(root, path), `${JSON.stringify(manifest, undefined, 1)}\n`, 0o644);
}

export function removeManifest(root: string): void {
  rmSync(inRoot(root, path), { force: true });
}
