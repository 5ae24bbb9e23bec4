// Arguments that yargs would misread: it drops `-` from lists of operands, and it
// forgets `--` on the way to a command of a group. They travel as other words.

/** Not a word that anybody types: a private-use character in front of a number. */
const marker = "\u{10fffd}";

export interface ProtectedOperands {
  readonly args: readonly string[];
  /** Puts the words back into what yargs has parsed. */
  restore(parsed: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** Puts them back into what yargs has to say. */
  restoreText(text: string): string;
}

/** Replaces `-`, and what follows `--`. */
export function protectOperands(args: readonly string[]): ProtectedOperands {
  const words: string[] = [];
  const protect = (word: string) => `${marker}${words.push(word) - 1}`;
  const end = args.indexOf("--");
  const before = end < 0 ? args : args.slice(0, end);
  const after = end < 0 ? [] : args.slice(end + 1);
  const restored = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map(restored);
    }
    return typeof value === "string" && value.startsWith(marker)
      ? words[Number(value.slice(marker.length))]
      : value;
  };
  return {
    args: [...before.map((word) => (word === "-" ? protect(word) : word)), ...after.map(protect)],
    restore: (parsed) =>
      Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, restored(value)])),
    restoreText: (text) =>
      text.replace(
        new RegExp(`${marker}(\\d+)`, "gu"),
        (found, index: string) => words[Number(index)] ?? found,
      ),
  };
}
