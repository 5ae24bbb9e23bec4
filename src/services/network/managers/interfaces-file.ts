// The language of /etc/network/interfaces: stanzas, each begun by one of a few words
// (interfaces(5)).

export interface Stanza {
  /** The words of its first line. */
  readonly words: readonly string[];
  /** All of its lines, with comments and blanks that follow it. */
  readonly lines: readonly string[];
}

const starters =
  /^(?:iface|mapping|auto|allow-\S+|source|source-directory|rename|no-auto-down|no-scripts|template)$/;

/** The stanzas in order; what stands before the first is one without words. */
export function stanzasOf(text: string): Stanza[] {
  const stanzas: { words: readonly string[]; lines: string[] }[] = [{ words: [], lines: [] }];
  let continues = false;
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const words = line.trim().split(/\s+/);
    if (!continues && starters.test(words[0] ?? "")) {
      stanzas.push({ words, lines: [line] });
    } else {
      stanzas.at(-1)?.lines.push(line);
    }
    continues = line.endsWith("\\");
  }
  return stanzas;
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
