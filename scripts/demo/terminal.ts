// Readable output: colours on a terminal, plain text elsewhere or with NO_COLOR.

const styles = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33", cyan: "36" } as const;

type Style = keyof typeof styles;

export class Terminal {
  readonly #isColoured: boolean;

  constructor(environment: Readonly<Record<string, string | undefined>>, isTerminal: boolean) {
    const refused = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb";
    this.#isColoured = isTerminal && !refused;
  }

  title(text: string): void {
    console.log(this.#in("bold", text));
  }

  /** Begins a scene. */
  scene(text: string): void {
    console.log(`\n${this.#in("bold", text)}`);
  }

  remark(text: string): void {
    console.log(this.#in("dim", `  ${text}`));
  }

  /** What one side does. */
  act(side: "host" | "guest" | "kernel", text: string): void {
    const colour = { host: "cyan", guest: "yellow", kernel: "dim" } as const;
    console.log(`  ${this.#in(colour[side], side.padEnd(7))}${text}`);
  }

  /** Whether what was seen is what should be. */
  result(isRight: boolean, text: string): void {
    const mark = isRight ? this.#in("green", "✓") : this.#in("red", "✗");
    console.log(`  ${mark}      ${text}`);
  }

  table(rows: readonly (readonly [string, string])[]): void {
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) {
      console.log(`         ${name.padEnd(width)}  ${value}`);
    }
  }

  #in(style: Style, text: string): string {
    return this.#isColoured ? `\u001b[${styles[style]}m${text}\u001b[0m` : text;
  }
}
