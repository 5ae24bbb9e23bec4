// Files of sections and `Key=value` lines, kept as lines so that what is not ours
// goes on as it was written.

export interface IniSection {
  readonly name: string;
  readonly lines: readonly string[];
}

/** The sections of a text in their order; what stands before the first is left out. */
export function iniSections(text: string): IniSection[] {
  const sections: { name: string; lines: string[] }[] = [];
  for (const line of text.split("\n").map((one) => one.trim())) {
    const header = /^\[(.+)\]$/.exec(line);
    if (header !== null) {
      sections.push({ name: header[1] ?? "", lines: [] });
    } else if (line !== "" && !/^[#;]/.test(line)) {
      sections.at(-1)?.lines.push(line);
    }
  }
  return sections;
}

/** The key of a `Key=value` line. */
export function iniKey(line: string): string {
  return line.slice(0, line.indexOf("=")).trim();
}

export function iniText(sections: readonly IniSection[]): string {
  return sections
    .filter(({ lines }) => lines.length > 0)
    .map(({ name, lines }) => `\n[${name}]\n${lines.map((line) => `${line}\n`).join("")}`)
    .join("");
}
