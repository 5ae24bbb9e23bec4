// `hvguest vss list` and `check`: what a backup would freeze, without freezing it.

import { readConfiguration } from "../../agent/configuration.ts";
import { printable } from "../../log.ts";
import { foreignMounts } from "../../platform/mount-namespaces.ts";
import type { Mount } from "../../platform/mounts.ts";
import { type Paths, pathsFrom } from "../../platform/paths.ts";
import type { FreezePlan } from "../../services/vss/freeze-plan.ts";
import { verdictOf } from "../../services/vss/freeze-rules.ts";
import { findHooks, HookError } from "../../services/vss/hook-files.ts";
import { Planner } from "../../services/vss/planner.ts";
import { command, ExitStatus } from "../command.ts";

/** One line of the list. */
interface Row {
  readonly mount_point: string;
  readonly type: string;
  readonly source: string;
  /** Frozen in this step, counted from 1. */
  readonly step?: number;
  /** Why it is not frozen. */
  readonly reason?: string;
  /** It is why no backup is possible. */
  readonly refused?: true;
  /** Mounted only in the mount namespace of this process. */
  readonly process_id?: number;
}

export const vssList = command<{ json: boolean; all: boolean }>({
  usage: "list",
  description: "Show what a backup freezes, in which order, what not and why",
  options: (yargs) =>
    yargs
      .option("all", {
        type: "boolean",
        default: false,
        describe: "Show file systems without a disk too",
      })
      .option("json", {
        type: "boolean",
        default: false,
        describe: "Print one JSON object a line",
      }),
  run: ({ json, all }, { environment, print }) => {
    const rows = rowsOf(pathsFrom(environment)).filter((row) => all || row.source.includes("/"));
    print(json ? rows.map((row) => `${JSON.stringify(row)}\n`).join("") : table(rows));
    return ExitStatus.done;
  },
});

export const vssCheck = command<{ json: boolean }>({
  usage: "check",
  description: "Tell whether a backup could freeze everything that it has to",
  options: (yargs) =>
    yargs.option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ json }, { environment, print }) => {
    const paths = pathsFrom(environment);
    const reasons = [...refusals(paths), ...hookFaults(paths)];
    const isPossible = reasons.length === 0;
    if (json) {
      print(`${JSON.stringify({ possible: isPossible, reasons })}\n`);
    } else {
      print(
        isPossible ? "all can be frozen\n" : reasons.map((text) => `${printable(text)}\n`).join(""),
      );
    }
    return isPossible ? ExitStatus.done : ExitStatus.failed;
  },
});

function refusals(paths: Paths): readonly string[] {
  return rowsOf(paths)
    .filter((row) => row.refused === true)
    .map(({ mount_point: mountPoint, reason }) => `${mountPoint}: ${reason}`);
}

function hookFaults(paths: Paths): readonly string[] {
  try {
    findHooks(readConfiguration(paths.configuration).vss.hooks);
    return [];
  } catch (error) {
    if (error instanceof HookError) {
      return [error.message];
    }
    throw error;
  }
}

function rowsOf(paths: Paths): readonly Row[] {
  const { vss } = readConfiguration(paths.configuration);
  const plan = new Planner(paths, () => vss).plan();
  return [...planRows(plan), ...foreignRows(paths)];
}

function planRows({ steps, refused, skipped }: FreezePlan): readonly Row[] {
  return [
    ...steps.flatMap((members, index) =>
      members.map(({ mount }) => ({ ...described(mount), step: index + 1 })),
    ),
    ...refused.map(({ fileSystem, reason }) => ({
      ...described(fileSystem.mount),
      reason,
      refused: true as const,
    })),
    ...skipped.map(({ fileSystem, reason }) => ({ ...described(fileSystem.mount), reason })),
  ];
}

function foreignRows(paths: Paths): readonly Row[] {
  return foreignMounts(paths)
    .filter(({ mount }) => verdictOf(mount).kind !== "skip")
    .map(({ mount, processId }) => ({
      ...described(mount),
      reason: `mounted only in another mount namespace (process ${processId})`,
      process_id: processId,
    }));
}

function described({ mountPoint, type, source }: Mount) {
  return { mount_point: mountPoint, type, source };
}

function table(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.step === undefined ? "-" : String(row.step),
    printable(row.mount_point),
    row.type,
    printable(row.source),
    `${row.refused === true ? "NO BACKUP: " : ""}${row.reason ?? ""}`,
  ]);
  const all = [["STEP", "MOUNT POINT", "TYPE", "SOURCE", "NOT FROZEN BECAUSE"], ...lines];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...all.map((cells) => cells[column]?.length ?? 0)),
  );
  return all
    .map(
      (cells) =>
        `${cells
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
