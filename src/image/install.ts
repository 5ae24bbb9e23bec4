// Brings an image to a layout, whatever state it is in.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { type Choices, withRecorded } from "./choices.ts";
import { addDiversion } from "./dpkg-diversions.ts";
import {
  fileHeld,
  type Held,
  heldAt,
  linkHeld,
  modeAt,
  putCopy,
  putLink,
  putText,
  textHeld,
} from "./file-state.ts";
import { type Entry, unitDirectory } from "./layout.ts";
import { packagedMarker, readManifest, writeManifest } from "./manifest.ts";
import { inRoot, targetInRoot } from "./root-path.ts";

export interface InstallOptions {
  /** The image's root, "" for this machine. */
  readonly root: string;
  readonly entries: readonly Entry[];
  /** The program that is copied to the executable's place. */
  readonly executable: string;
  readonly version: string;
  /** What the entries were made of, see {@link choicesFor}; recorded for the next time. */
  readonly choices: Choices;
  /** Changes nothing, but tells what would be changed. */
  readonly dryRun: boolean;
}

export interface Change {
  readonly path: string;
  readonly change: "created" | "replaced" | "unchanged" | "kept" | "moved" | "removed" | "restored";
  readonly note?: string;
}

/** There is something that must not be overwritten; nothing was changed. */
export class InstallRefused extends Error {
  override readonly name = "InstallRefused";
}

/**
 * The choices of an installation there for which `chosen` is given: where that says
 * nothing, those of the last one.
 * @throws InstallRefused when the distribution's programs would have to come back
 */
export function choicesFor(root: string, chosen: Choices): Choices {
  const last = readManifest(root);
  // A failure may have come between the note of a move and the move.
  const hasMoved = Object.values(last?.moved ?? {}).some((aside) =>
    /^(?:sha256|link):/.test(heldAt(inRoot(root, aside)) ?? ""),
  );
  if (hasMoved && chosen.replace === false) {
    throw new InstallRefused(
      "the distribution's daemons were replaced there; 'hvguest uninstall' puts them back",
    );
  }
  const choices = withRecorded(chosen, last?.choices ?? {});
  // Their units would start what is no longer there.
  return hasMoved ? { ...choices, replace: true } : choices;
}

/**
 * Makes every entry, removes what an earlier installation made beyond them, and
 * tells each change. Run again it changes nothing. Programs and units of the
 * distribution are left alone, or with `replace` moved aside and overridden.
 * @throws InstallRefused before any change; system errors in the middle, after
 * which it can be run again, and uninstall knows what was done.
 */
export function install(options: InstallOptions): Change[] {
  const { root } = options;
  if (existsSync(inRoot(root, packagedMarker))) {
    throw new InstallRefused("hvguest is installed there as a package, which owns its files");
  }
  const before = readManifest(root);
  const installer = new Installer(options, before?.made ?? {}, { ...before?.moved });
  const record = (made: Readonly<Record<string, Held>>, choices: Choices) => {
    const { version } = options;
    writeManifest(root, { version, choices, made, moved: installer.moved });
  };
  try {
    options.entries.forEach((entry) => installer.put(entry));
    installer.removeLeftOver();
  } catch (error) {
    if (!options.dryRun) {
      // For uninstall, and for the next try, which may choose otherwise.
      ignoreErrors(() => record({ ...installer.before, ...installer.made }, before?.choices ?? {}));
    }
    throw error;
  }
  if (!options.dryRun) {
    record(installer.made, options.choices);
  }
  return installer.changes;
}

/** What led to the act has an error of its own, which tells more. */
function ignoreErrors(act: () => void): void {
  try {
    act();
  } catch {
    // As said: a full disk, for instance, fails both.
  }
}

class Installer {
  readonly changes: Change[] = [];
  readonly made: Record<string, Held> = {};
  readonly moved: Record<string, string>;
  /** What earlier installations made, less what was removed since. */
  readonly before: Record<string, Held>;
  readonly #options: InstallOptions;

  constructor(
    options: InstallOptions,
    before: Readonly<Record<string, Held>>,
    moved: Record<string, string>,
  ) {
    this.#options = options;
    this.before = { ...before };
    this.moved = moved;
  }

  put(entry: Entry): void {
    if (this.#isDisabled(entry)) {
      this.made[entry.path] = linkHeld(entry.target);
      this.#tell(entry.path, "kept", "off: it was disabled");
      return;
    }
    this.#putParents(entry.path);
    const place = inRoot(this.#options.root, entry.path);
    const found = heldAt(place);
    switch (entry.kind) {
      case "folder":
        this.#putFolder(entry.path);
        break;
      case "executable":
        this.#putExecutable(entry.path, place, found);
        break;
      case "file":
        this.#putFile(entry, place, found);
        break;
      case "link":
        this.#putLink(entry, place, found);
        break;
    }
  }

  /** A link that the last installation made for the boot, and somebody has taken away. */
  #isDisabled(entry: Entry): entry is Entry & { kind: "link" } {
    return (
      entry.kind === "link" &&
      entry.enables === true &&
      entry.path in this.before &&
      heldAt(inRoot(this.#options.root, entry.path)) === undefined
    );
  }

  /** Removes what the last installation made and this one does not. */
  removeLeftOver(): void {
    // Folders that are empty now go at the uninstallation.
    for (const [path, held] of Object.entries(this.before)) {
      if (held === "folder" && existsSync(targetInRoot(this.#options.root, path))) {
        this.made[path] = held;
      }
    }
    for (const [path, held] of Object.entries(this.before).toReversed()) {
      const place = inRoot(this.#options.root, path);
      if (!(path in this.made) && held !== "folder" && heldAt(place) === held) {
        this.#tell(path, "removed", "of an earlier installation");
        this.#act(() => rmSync(place));
        delete this.before[path];
      }
    }
  }

  /** Notes the folders that are made on the way, for uninstall. */
  #putParents(path: string): void {
    const parent = dirname(path);
    if (parent !== "/" && this.made[parent] === undefined) {
      this.#putParents(parent);
      this.#putFolder(parent);
    }
  }

  #putFolder(path: string): void {
    // A folder of the image may be a link to another one.
    const place = targetInRoot(this.#options.root, path);
    if (!existsSync(place)) {
      this.#act(() => mkdirSync(place, { recursive: true, mode: 0o755 }));
      this.made[path] = "folder";
    } else if (this.before[path] !== undefined) {
      this.made[path] = "folder";
    }
  }

  #putExecutable(path: string, place: string, found: Held | undefined): void {
    const { executable } = this.#options;
    const wanted = fileHeld(executable);
    if (found === wanted && modeAt(place) === 0o755) {
      this.#tell(path, "unchanged");
    } else {
      this.#tell(path, found === undefined ? "created" : "replaced");
      this.#act(() => putCopy(place, executable, 0o755));
    }
    this.made[path] = wanted;
  }

  #putFile(
    { path, text, mode, configuration }: Entry & { kind: "file" },
    place: string,
    found: Held | undefined,
  ): void {
    const wanted = textHeld(text);
    if (found === wanted && modeAt(place) === mode) {
      this.#tell(path, "unchanged");
    } else if (configuration === true && found !== undefined && found !== this.before[path]) {
      this.#tell(path, "kept", "it was changed");
      return;
    } else {
      this.#tell(path, found === undefined ? "created" : "replaced");
      this.#act(() => putText(place, text, mode));
    }
    this.made[path] = wanted;
  }

  #putLink(
    { path, target, daemon }: Entry & { kind: "link" },
    place: string,
    found: Held | undefined,
  ): void {
    const wanted = linkHeld(target);
    const ours = found === wanted || (found !== undefined && found === this.before[path]);
    if (found !== undefined && !ours && daemon === true) {
      this.#replaceDaemon(path, place, target);
      return;
    }
    if (found === wanted) {
      this.#tell(path, "unchanged");
      this.#recallMoved(path, daemon);
    } else if (found === undefined || found.startsWith("link:")) {
      this.#tell(path, found === undefined ? "created" : "replaced");
      this.#act(() => putLink(place, target));
    } else {
      this.#tell(path, "kept", "it is not a link");
      return;
    }
    this.made[path] = wanted;
  }

  /** An installation that was interrupted may have moved a program and not said so. */
  #recallMoved(path: string, daemon: true | undefined): void {
    if (daemon === true && existsSync(inRoot(this.#options.root, asideOf(path)))) {
      this.moved[path] = asideOf(path);
    }
  }

  #replaceDaemon(path: string, place: string, target: string): void {
    if (this.#options.choices.replace !== true) {
      this.#tell(path, "kept", "it is the distribution's; --replace takes its place");
      return;
    }
    if (path.startsWith(`${unitDirectory}/`)) {
      // A unit of the administrator's folder goes first, also after the package is upgraded.
      this.put({
        kind: "link",
        path: `/etc/systemd/system/${basename(path)}`,
        target: `${unitDirectory}/${target}`,
      });
      return;
    }
    const aside = asideOf(path);
    this.#tell(path, "moved", `to '${aside}'`);
    this.moved[path] = aside;
    this.#act(() => {
      addDiversion(this.#options.root, path, aside);
      renameSync(place, inRoot(this.#options.root, aside));
    });
    this.#act(() => putLink(place, target));
    this.made[path] = linkHeld(target);
  }

  #tell(path: string, change: Change["change"], note?: string): void {
    this.changes.push(note === undefined ? { path, change } : { path, change, note });
  }

  #act(change: () => void): void {
    if (!this.#options.dryRun) {
      change();
    }
  }
}

/** Where dpkg-divert(1) and everybody else puts such a file. */
function asideOf(path: string): string {
  return `${path}.distrib`;
}
