// The page of benchmarks, docs/benchmarks.md, and the same as JSON beside it.

import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { Figure } from "./figures.ts";

/** The figures of one stage. */
export interface Chapter {
  readonly title: string;
  readonly figures: readonly Figure[];
}

/** A table that another benchmark printed, as Markdown. */
export interface Appendix {
  readonly title: string;
  readonly table: string;
}

export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly kernel: string;
  /** Processes that wanted to run, over the last minute: more than processors is a busy machine. */
  readonly load: number;
}

export interface Report {
  readonly date: string;
  readonly machine: Machine;
  readonly chapters: readonly Chapter[];
  readonly appendices: readonly Appendix[];
}

export function thisMachine(): Machine {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1];
  return {
    processor: cpus()[0]?.model ?? "unknown",
    processors: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: system ?? "unknown",
    kernel: release(),
    load: Math.round(loadavg()[0] ?? 0),
  };
}

export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const { name, unit, ours, c, goal } = figure;
    const ratio = c === 0 ? "" : `${(ours / c).toPrecision(2)}×`;
    const verdict = goal === undefined ? "" : `${goal.text}: ${goal.isMet ? "met" : "missed"}`;
    return [name, number(ours, unit), number(c, unit), ratio, verdict];
  });
  return markdown([["", "hvguest", "C daemon", "ratio", "goal"], ...rows]);
}

/** The whole page. */
export function pageOf(report: Report, remarks: string): string {
  const { chapters, appendices } = report;
  const { processor, processors, memoryGiB, system, kernel, load } = report.machine;
  const date = report.date.slice(0, 10);
  return [
    "# Benchmarks",
    "",
    "hvguest beside the C daemons of Debian's package hyperv-daemons, in one run, in turn.",
    "",
    `Made on ${date} by \`npm run bench\` on ${processors} processors (${processor}), ${memoryGiB} GiB,` +
      ` ${system}, kernel ${kernel}, with a load of ${load} at the end. A ratio below 1 is in favour of hvguest.`,
    "",
    ...chapters.flatMap(({ title, figures }) => [`## KVP: ${title}`, "", tableOf(figures), ""]),
    ...appendices.flatMap(({ title, table }) => [`## ${title}`, "", table, ""]),
    remarks,
    "",
  ].join("\n");
}

function number(value: number, unit: string): string {
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 1 ? 1 : 2;
  return `${value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
}

function markdown(rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [
    line(head),
    line(head.map((_, at) => (at === 0 ? "---" : "--:"))),
    ...body.map(line),
  ].join("\n");
}
