// A folder that looks like the root of an image, and installing into it.

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { type Choices, nameStyles, serviceNames } from "../../src/image/choices.ts";
import { type Change, choicesFor, install } from "../../src/image/install.ts";
import { layout } from "../../src/image/layout.ts";

/** An empty image, with these files. */
export function imageRoot(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(`${tmpdir()}/hvguest-image-`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
  }
  return root;
}

export interface InstallTo extends Choices {
  readonly dryRun?: boolean;
  readonly executable?: string;
}

export function installTo(root: string, options: InstallTo = {}): Change[] {
  const { dryRun = false, executable = "/bin/true", ...chosen } = options;
  const choices = choicesFor(root, { init: "systemd", ...chosen });
  return install({
    root,
    entries: layout({
      services: choices.services ?? serviceNames,
      names: choices.names ?? nameStyles,
      init: choices.init === undefined || choices.init === "auto" ? "systemd" : choices.init,
      split: choices.split ?? false,
      cloudInit: choices.cloudInit ?? false,
      documents: [],
    }),
    executable,
    version: "0.0.0",
    choices,
    dryRun,
  });
}

/** Every place below a root: text of files, targets of links, folders with a slash. */
export function tree(root: string, below = ""): Record<string, string> {
  const places: Record<string, string> = {};
  for (const entry of readdirSync(root + below, { withFileTypes: true })) {
    const name = `${below}/${entry.name}`;
    if (entry.isSymbolicLink()) {
      places[name] = `-> ${readlinkSync(root + name)}`;
    } else if (entry.isDirectory()) {
      Object.assign(places, { [`${name}/`]: "" }, tree(root, name));
    } else {
      places[name] = readFileSync(root + name, "latin1");
    }
  }
  return places;
}
