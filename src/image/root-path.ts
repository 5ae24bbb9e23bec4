// Paths below the root of an image, where links lead to places in the image and
// never to places of the machine that builds it.

import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";

/** Links followed before a path is called a loop, as the kernel's MAXSYMLINKS. */
const mostLinks = 40;

/**
 * The place of the absolute path `path` in the image at `root` ("" for this
 * machine), with the links of its folders resolved in the image. The last part is
 * not resolved, and nothing needs to exist.
 * @throws Error with the code ELOOP on a loop of links
 */
export function inRoot(root: string, path: string): string {
  return root + resolveLinks(root, path, "folders", 0);
}

/** As {@link inRoot}, with a link at the place itself resolved too: for what is used, not replaced. */
export function targetInRoot(root: string, path: string): string {
  return root + resolveLinks(root, path, "all", 0);
}

function resolveLinks(root: string, path: string, which: "folders" | "all", links: number): string {
  let resolved = "";
  const parts = join("/", path).split("/").filter(Boolean);
  const end = which === "all" ? parts.length : parts.length - 1;
  for (const [index, part] of parts.entries()) {
    const next = `${resolved}/${part}`;
    const target = index < end ? linkTarget(root + next) : undefined;
    if (target === undefined) {
      resolved = next;
      continue;
    }
    if (links >= mostLinks) {
      const code = "ELOOP";
      throw Object.assign(new Error(`'${path}' leads through too many links`), { code });
    }
    const rest = parts.slice(index + 1).join("/");
    // join() ends ".." at the root, as chroot(2) does.
    const from = target.startsWith("/") ? target : join(dirname(next), target);
    return resolveLinks(root, join("/", from, rest), which, links + 1);
  }
  return resolved;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    // Not there, so no link.
    return undefined;
  }
}
