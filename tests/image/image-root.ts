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
import { type Change, install } from "../../src/image/install.ts";
import { layout, type LayoutOptions } from "../../src/image/layout.ts";

/** An empty image, with these files. */
export function imageRoot(files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(`${tmpdir()}/hvguest-image-`);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
  }
  return root;
}

export interface InstallTo extends Partial<LayoutOptions> {
  readonly replace?: boolean;
  readonly dryRun?: boolean;
  readonly executable?: string;
}

export function installTo(root: string, options: InstallTo = {}): Change[] {
  return install({
    root,
    entries: layout({
      services: ["kvp", "vss", "fcopy"],
      names: ["linux", "fedora"],
      init: "systemd",
      split: false,
      cloudInit: false,
      documents: [],
      ...options,
    }),
    executable: options.executable ?? "/bin/true",
    version: "0.0.0",
    replace: options.replace ?? false,
    dryRun: options.dryRun ?? false,
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
