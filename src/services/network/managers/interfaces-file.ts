// The language of /etc/network/interfaces: stanzas, each begun by one of a few words
// (interfaces(5)).

export interface Stanza {
  /** The words of its first line. */
  readonly words: readonly string[];
  /** The lines after it, without comments and blanks, and joined where `\` says so. */
  readonly options: readonly string[];
  /** All of its lines as they are, with comments and blanks that follow it. */
  readonly lines: readonly string[];
}

const starters =
  /^(?:iface|mapping|auto|allow-\S+|source|source-directory|rename|no-auto-down|no-scripts|template)$/;

/** The stanzas in order; what stands before the first is one without words. */
export function stanzasOf(text: string): Stanza[] {
  const stanzas: { joined: string[]; lines: string[] }[] = [{ joined: [""], lines: [] }];
  let goesOn = false;
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const [word = ""] = line.trim().split(/\s+/);
    // A comment does not go on, whatever it ends with; the rest of a line is none.
    const isIgnored: boolean = !goesOn && (word === "" || word.startsWith("#"));
    if (!goesOn && starters.test(word)) {
      stanzas.push({ joined: [], lines: [] });
    }
    const { joined, lines } = stanzas.at(-1) ?? { joined: [], lines: [] };
    lines.push(line);
    if (!isIgnored) {
      joined.push((goesOn ? (joined.pop() ?? "") : "") + line.replace(/\\$/, ""));
    }
    goesOn = !isIgnored && line.endsWith("\\");
  }
  return stanzas.map(({ joined: [first = "", ...options], lines }) => ({
    words: first.split(/\s+/).filter((word) => word !== ""),
    options: options.map((option) => option.trim()),
    lines,
  }));
}

export function stanzasText(stanzas: readonly Stanza[]): string {
  const lines = stanzas.flatMap((stanza) => stanza.lines);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** Whether the stanza is `iface NAME FAMILY …`. */
export function isInterface({ words }: Stanza, name: string, family?: "inet" | "inet6"): boolean {
  return words[0] === "iface" && words[1] === name && (family === undefined || words[2] === family);
}

/** Whether the stanza brings the interface up by itself: `auto NAME`, `allow-hotplug NAME`. */
export function startsInterface({ words }: Stanza, name: string): boolean {
  return /^(?:auto|allow-\S+)$/.test(words[0] ?? "") && words.slice(1).includes(name);
}
