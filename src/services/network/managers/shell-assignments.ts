// Files of shell assignments, as in /etc/sysconfig.

/** The `NAME=value` lines whose name is not one of `left`, each once. */
export function otherAssignments(text: string, left: RegExp): string[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^[A-Za-z_]\w*=/.test(line))
    .filter((line) => !left.test(line.slice(0, line.indexOf("="))));
  return [...new Set(lines)];
}

/** The text with `name` set to `value`, where it was or at the end. */
export function withAssignment(text: string, name: string, value: string): string {
  const assignment = `${name}="${value}"`;
  const lines = text.replace(/\n$/, "").split("\n");
  const index = lines.findIndex((line) => line.trim().startsWith(`${name}=`));
  if (index < 0) {
    return `${[...lines.filter((line, _, all) => all.length > 1 || line !== ""), assignment].join("\n")}\n`;
  }
  return `${lines.with(index, assignment).join("\n")}\n`;
}
