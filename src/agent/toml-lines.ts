// Where a key stands in a TOML text, for error messages; the parser does not tell.

/**
 * The line (from 1) of a section, or of a key in it. For one that is written in a
 * way that is not recognised (quoted, inline) the line of its section, or line 1.
 */
export function keyLine(text: string, section: string, key?: string): number {
  const wanted = key === undefined ? section : `${section}.${key}`;
  let current = "";
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*\[+\s*([^\]\s]+)\s*\]/.exec(line)?.[1];
    const name = /^\s*([A-Za-z0-9_.-]+)\s*=/.exec(line)?.[1];
    current = header ?? current;
    const full = current === "" || name === undefined ? name : `${current}.${name}`;
    if (isOrBelow(header, wanted) || isOrBelow(full, wanted)) {
      return index + 1;
    }
  }
  return key === undefined ? 1 : keyLine(text, section);
}

function isOrBelow(name: string | undefined, wanted: string): boolean {
  return name === wanted || name?.startsWith(`${wanted}.`) === true;
}
