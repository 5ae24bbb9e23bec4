// Which operating system this is: os-release(5), with the older files as fall-back.

import { readFileSync } from "node:fs";

export interface OsRelease {
  /** `NAME`, such as `Debian GNU/Linux`. */
  readonly name: string;
  /** `VERSION_ID`, such as `13`; empty where there is none. */
  readonly version: string;
}

/** The files that tell, in the order of the C daemon's kvp_get_os_info. */
const olderFiles = ["etc/SuSE-release", "etc/redhat-release"];

/** Reads below `root`. Never throws: a system without these files is called `Linux`. */
export function readOsRelease(root = "/"): OsRelease {
  for (const path of ["etc/os-release", "usr/lib/os-release"]) {
    const text = readText(`${root}/${path}`);
    if (text !== undefined) {
      const values = parseOsRelease(text);
      return { name: values.get("NAME") ?? "Linux", version: values.get("VERSION_ID") ?? "" };
    }
  }
  for (const path of olderFiles) {
    const [first, second] = readText(`${root}/${path}`)?.split("\n") ?? [];
    if (first !== undefined && first !== "") {
      return { name: first.trim(), version: second?.trim() ?? "" };
    }
  }
  return { name: "Linux", version: "" };
}

/** The assignments of os-release(5), unquoted as a shell would. */
export function parseOsRelease(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) {
      values.set(match[1], unquote(match[2].trim()));
    }
  }
  return values;
}

function unquote(text: string): string {
  const quote = text[0];
  if ((quote === '"' || quote === "'") && text.length >= 2 && text.endsWith(quote)) {
    const inner = text.slice(1, -1);
    return quote === '"' ? inner.replaceAll(/\\([\\"$`])/g, "$1") : inner;
  }
  return text;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Absent or unreadable: the next file tells, or nothing does.
    return undefined;
  }
}
