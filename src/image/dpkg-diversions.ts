// dpkg's list of diverted files, written as dpkg-divert(1) --local does, so that an
// upgrade of the distribution's package does not put its program back. Nothing of
// the image is run, so the file is edited: three lines for each diversion.

import { existsSync, readFileSync } from "node:fs";
import { putText } from "./file-state.ts";
import { inRoot } from "./root-path.ts";

const status = "/var/lib/dpkg/status";
const list = "/var/lib/dpkg/diversions";

/** The package of a local diversion. */
const local = ":";

/** Does nothing in an image without dpkg, or when it is listed already. */
export function addDiversion(root: string, from: string, to: string): void {
  change(root, (diversions) =>
    diversions.some(([diverted]) => diverted === from)
      ? diversions
      : [...diversions, [from, to, local]],
  );
}

export function removeDiversion(root: string, from: string, to: string): void {
  change(root, (diversions) =>
    diversions.filter(
      ([diverted, place, owner]) => !(diverted === from && place === to && owner === local),
    ),
  );
}

function change(root: string, edit: (diversions: string[][]) => string[][]): void {
  if (!existsSync(inRoot(root, status))) {
    return;
  }
  const path = inRoot(root, list);
  const old = existsSync(path) ? readFileSync(path, "utf8") : "";
  const lines = old.split("\n").slice(0, -1);
  const diversions: string[][] = [];
  for (let index = 0; index + 2 < lines.length; index += 3) {
    diversions.push(lines.slice(index, index + 3));
  }
  const text = edit(diversions)
    .flat()
    .map((line) => `${line}\n`)
    .join("");
  if (text !== old) {
    putText(path, text, 0o644);
  }
}
