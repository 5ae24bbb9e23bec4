// Settings of the configuration file: each declared once, with its meaning, its
// default and its limits.

/** A value that a setting does not take; the message says what it takes. */
export class SettingError extends Error {
  override readonly name = "SettingError";
}

export interface Setting<T> {
  /** One sentence for the commented default configuration. */
  readonly description: string;
  readonly fallback: T;
  /** @throws SettingError */
  parse(value: unknown): T;
}

// oxlint-disable-next-line typescript/no-explicit-any -- any setting, whatever its type
export type Section = Readonly<Record<string, Setting<any>>>;

/** The values of a section: `{ max_size: Setting<number> }` gives `{ max_size: number }`. */
export type ValuesOf<S extends Section> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer T> ? T : never;
};

/** A section with every setting at its default. */
export function defaultsOf<S extends Section>(section: S): ValuesOf<S> {
  return Object.fromEntries(
    Object.entries(section).map(([name, setting]) => [name, setting.fallback as unknown]),
  ) as ValuesOf<S>;
}

export function boolean(fallback: boolean, description: string): Setting<boolean> {
  return {
    description,
    fallback,
    parse: (value) => {
      if (typeof value !== "boolean") {
        throw new SettingError("need true or false");
      }
      return value;
    },
  };
}

export function integer(
  fallback: number,
  limits: { readonly min: number; readonly max: number },
  description: string,
): Setting<number> {
  return {
    description,
    fallback,
    parse: (value) => {
      if (
        typeof value !== "number" ||
        !Number.isInteger(value) ||
        value < limits.min ||
        value > limits.max
      ) {
        throw new SettingError(`need a whole number from ${limits.min} to ${limits.max}`);
      }
      return value;
    },
  };
}

/** Any text that `check` accepts; `check` returns what is wrong, or undefined. */
export function text(
  fallback: string,
  description: string,
  check: (value: string) => string | undefined = () => undefined,
): Setting<string> {
  return { description, fallback, parse: (value) => checkedText(value, check) };
}

export function textList(
  fallback: readonly string[],
  description: string,
  check: (value: string) => string | undefined = () => undefined,
): Setting<readonly string[]> {
  return {
    description,
    fallback,
    parse: (value) => {
      if (!Array.isArray(value)) {
        throw new SettingError("need a list of texts");
      }
      return value.map((item) => checkedText(item, check));
    },
  };
}

export function oneOf<const T extends string>(
  choices: readonly T[],
  fallback: NoInfer<T>,
  description: string,
): Setting<T> {
  return {
    description,
    fallback,
    parse: (value) => {
      const choice = choices.find((candidate) => candidate === value);
      if (choice === undefined) {
        throw new SettingError(`need one of ${choices.map((name) => `"${name}"`).join(", ")}`);
      }
      return choice;
    },
  };
}

function checkedText(value: unknown, check: (value: string) => string | undefined): string {
  if (typeof value !== "string") {
    throw new SettingError("need a text");
  }
  const fault = check(value);
  if (fault !== undefined) {
    throw new SettingError(fault);
  }
  return value;
}

/** A check for {@link text} and {@link textList}. */
export function absolutePath(value: string): string | undefined {
  return value.startsWith("/") ? undefined : "need an absolute path";
}
