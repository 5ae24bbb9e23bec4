// Where a key stands in a TOML text, for error messages; the parser does not tell.

/**
 * The line (from 1) of a section, or of a key in it. Line 1 when it is written in
 * a way that is not recognised (quoted).
 */
export function keyLine(text: string, section: string, key?: string): number {
  let current = "";
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[+\s*([^\]\s]+)\s*\]/.exec(line)?.[1];
    if (header !== undefined) {
      current = header;
      if (key === undefined && isOrBelow(current, section)) {
        return index + 1;
      }
      continue;
    }
    const name = /^\s*([A-Za-z0-9_.-]+)\s*=/.exec(line)?.[1];
    const full = current === "" ? name : `${current}.${name}`;
    if (name !== undefined && full !== undefined) {
      const wanted = key === undefined ? section : `${section}.${key}`;
      if (isOrBelow(full, wanted)) {
        return index + 1;
      }
    }
  }
  return 1;
}

function isOrBelow(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}.`);
}
