// /etc/network/interfaces and the files that its `source` lines name, as ifupdown
// reads them (interfaces(5)).

import { posix } from "node:path";
import type { Machine } from "../machine.ts";
import { type Stanza, stanzasOf } from "./interfaces-file.ts";

export const mainFile = "/etc/network/interfaces";

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly stanzas: readonly Stanza[];
  /** Whether it is still there after a restart: /run is made anew. */
  readonly isLasting: boolean;
}

/** A `source` line's argument. */
interface Reference {
  /** An absolute path, which may have wildcards. */
  readonly pattern: string;
  readonly isDirectory: boolean;
}

/** The names of the files that `source-directory` takes. */
const directoryEntry = /^[A-Za-z0-9_-]+$/;

/** All that ifupdown reads, each file once, the main file first. */
export function readSources(machine: Machine): Source[] {
  const sources = new Map([[mainFile, sourceAt(mainFile, machine.read(mainFile) ?? "")]]);
  // A file that is added while it goes on is visited too.
  for (const source of sources.values()) {
    for (const path of referencesIn(source).flatMap((one) => pathsOf(one, machine))) {
      const text = machine.read(path);
      if (text !== undefined && !sources.has(path)) {
        sources.set(path, sourceAt(path, text));
      }
    }
  }
  return [...sources.values()];
}

/** Whether a file of this path is read, also when it is not there yet. */
export function isRead(path: string, sources: readonly Source[]): boolean {
  return sources
    .filter(({ isLasting }) => isLasting)
    .flatMap(referencesIn)
    .some(({ pattern, isDirectory }) =>
      isDirectory
        ? fitsPath(posix.dirname(path), pattern) && directoryEntry.test(posix.basename(path))
        : fitsPath(path, pattern),
    );
}

function sourceAt(path: string, text: string): Source {
  return { path, text, stanzas: stanzasOf(text), isLasting: !path.startsWith("/run/") };
}

function referencesIn({ path, stanzas }: Source): Reference[] {
  return stanzas.flatMap(({ words: [word = "", ...patterns] }) => {
    if (!/^source(?:-directory)?$/.test(word)) {
      return [];
    }
    const comment = patterns.findIndex((pattern) => pattern.startsWith("#"));
    return patterns.slice(0, comment < 0 ? undefined : comment).map((pattern) => ({
      pattern: posix.resolve(posix.dirname(path), pattern.replace(/^(["'])(.*)\1$/, "$2")),
      isDirectory: word === "source-directory",
    }));
  });
}

function pathsOf({ pattern, isDirectory }: Reference, machine: Machine): string[] {
  const paths = expanded(pattern, machine);
  return isDirectory
    ? paths.flatMap((directory) =>
        machine
          .list(directory)
          .filter((name) => directoryEntry.test(name))
          .map((name) => `${directory}/${name}`),
      )
    : paths;
}

/** What there is that fits; a path without wildcards is taken as it is. */
function expanded(pattern: string, machine: Machine): string[] {
  const below = (place: string, part: string) =>
    /[*?[]/.test(part) ? machine.list(`${place}/`).filter((name) => fits(name, part)) : [part];
  return parts(pattern).reduce<string[]>(
    (places, part) =>
      places.flatMap((place) => below(place, part).map((name) => `${place}/${name}`)),
    [""],
  );
}

function fitsPath(path: string, pattern: string): boolean {
  const [names, patterns] = [parts(path), parts(pattern)];
  return (
    names.length === patterns.length &&
    names.every((name, index) => fits(name, patterns[index] ?? ""))
  );
}

/** A name that begins with a dot is hidden from wildcards. */
function fits(name: string, pattern: string): boolean {
  return (!name.startsWith(".") || pattern.startsWith(".")) && new Bun.Glob(pattern).match(name);
}

function parts(path: string): string[] {
  return path.split("/").filter((part) => part !== "");
}
