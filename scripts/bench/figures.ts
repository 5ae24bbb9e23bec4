// Samples of a benchmark, and the figures that are made of them.

export type Who = "ours" | "c";

/** One line of the table: the same thing of both daemons. */
export interface Figure {
  readonly name: string;
  readonly unit: "µs" | "ms" | "MiB" | "s" | "";
  readonly ours: number;
  readonly c: number;
  /** What the figure should be, in words, and whether it is. */
  readonly goal?: { readonly text: string; readonly isMet: boolean };
}

/** Samples of both daemons by the names of figures. */
export class Samples {
  readonly #values = new Map<string, Record<Who, number[]>>();

  add(name: string, who: Who, ...values: readonly number[]): void {
    const both = this.#values.get(name) ?? { ours: [], c: [] };
    this.#values.set(name, both);
    both[who].push(...values);
  }

  /** A percentile of both, 50 for the median. @throws Error when there are no samples. */
  percentile(name: string, percent: number): Record<Who, number> {
    const both = this.#values.get(name);
    if (both === undefined) {
      throw new Error(`there are no samples of '${name}'`);
    }
    return { ours: percentileOf(both.ours, percent), c: percentileOf(both.c, percent) };
  }
}

function percentileOf(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const index = Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100));
  return sorted[index] ?? Number.NaN;
}

/** A goal for the ratio of ours to the C daemon. */
export function ratioGoal(figure: Record<Who, number>, limit: number): Figure["goal"] {
  const text = limit < 0.1 ? `${Math.round(1 / limit)} times faster` : `≤ ${limit.toFixed(1)}×`;
  return { text, isMet: figure.ours <= limit * figure.c };
}

/** A goal for ours alone. */
export function limitGoal(ours: number, limit: number, unit: string): Figure["goal"] {
  return { text: `≤ ${limit} ${unit}`, isMet: ours <= limit };
}
