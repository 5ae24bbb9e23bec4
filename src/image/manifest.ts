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

/** The file is not what an installation has written. */
export class BrokenManifest extends Error {
  override readonly name = "BrokenManifest";
}

/** The manifest of the image at `root`, if there is one. @throws BrokenManifest */
export function readManifest(root: string): Manifest | undefined {
  const place = inRoot(root, path);
  let value: unknown;
  try {
    value = readJson(place);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new BrokenManifest(`'${place}' is broken: ${error.message}`, { cause: error });
    }
    throw error;
  }
  if (value === undefined) {
    return undefined;
  }
  const { version, made, moved, choices } = Object(value) as Partial<Record<string, unknown>>;
  if (!isTexts(made) || !isTexts(moved)) {
    throw new BrokenManifest(`'${place}' is not a list of installed files`);
  }
  return { version: String(version), made, moved, choices: parseChoices(choices) };
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((text) => typeof text === "string")
  );
}

export function writeManifest(root: string, manifest: Manifest): void {
  putText(inRoot(root, path), `${JSON.stringify(manifest, undefined, 1)}\n`, 0o644);
}

export function removeManifest(root: string): void {
  rmSync(inRoot(root, path), { force: true });
}
