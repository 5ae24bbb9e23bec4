// Measures hvguest beside the C daemons and writes docs/benchmarks.md and .json.
//   npm run bench [-- --guest g61] [--quick] [--only fake,lab,others] [--print]

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isPrivateMachine } from "../tests/fake-kernel/vmbus.ts";
import { guestNames } from "../tests/lab/vm/cache.ts";
import { fakeStage } from "./bench/fake-stage.ts";
import { benchKvp, type KvpBenchOptions } from "./bench/kvp.ts";
import { labStage } from "./bench/lab-stage.ts";
import {
  type Appendix,
  type Chapter,
  pageOf,
  type Report,
  tableOf,
  thisMachine,
} from "./bench/report.ts";
import { buildExecutable } from "./build.ts";
import { ensureDebianPackages } from "./debian-packages.ts";
import { repository } from "./process.ts";

/** Benchmarks with programs of their own, which print a table in Markdown. */
const others = [
  { title: "Backup", program: "scripts/bench/vss.ts" },
  { title: "File copy", program: "scripts/bench/fcopy.ts" },
];

const remarksPath = join(repository, "scripts/bench/remarks.md");
const page = join(repository, "docs/benchmarks.md");
const recordPath = join(repository, "docs/benchmarks.json");

const fakeOptions: KvpBenchOptions = {
  rounds: 6,
  requests: 500,
  idleSeconds: 60,
  cpuRequests: 10_000,
  isBuildMachine: true,
};

const labOptions: KvpBenchOptions = {
  rounds: 3,
  requests: 250,
  idleSeconds: 60,
  cpuRequests: 10_000,
  isBuildMachine: false,
};

const quick = { rounds: 2, requests: 100, idleSeconds: 5, cpuRequests: 1000 };

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      guest: { type: "string", default: "g61" },
      quick: { type: "boolean", default: false },
      only: { type: "string", default: "fake,lab,others" },
      print: { type: "boolean", default: false },
    },
  });
  const faster = values.quick ? quick : {};
  if (isPrivateMachine()) {
    const stage = fakeStage();
    const figures = await benchKvp(stage, { ...fakeOptions, ...faster });
    console.log(JSON.stringify({ title: stage.title, figures } satisfies Chapter));
    return 0;
  }
  const guest = guestNames.find((name) => name === values.guest);
  if (guest === undefined) {
    console.error(`--guest: need one of ${guestNames.join(", ")}`);
    return 2;
  }
  ensureDebianPackages(["hyperv-daemons"]);
  buildExecutable();
  const parts = values.only.split(",");
  const chapters: Chapter[] = [];
  if (parts.includes("fake")) {
    chapters.push(await onFakeKernel(args));
  }
  if (parts.includes("lab")) {
    await using stage = await labStage(guest);
    const figures = await benchKvp(stage, { ...labOptions, ...faster });
    chapters.push({ title: stage.title, figures });
  }
  const appendices: Appendix[] = [];
  for (const { title, program } of parts.includes("others") ? others : []) {
    appendices.push({ title, table: await printed(program) });
  }
  for (const { title, figures } of chapters) {
    console.log(`\n${title}\n\n${tableOf(figures)}`);
  }
  if (!values.print) {
    writeReport(chapters, appendices);
  }
  return 0;
}

/** Writes the page and the record; what was not measured this time stays as it was. */
function writeReport(chapters: readonly Chapter[], appendices: readonly Appendix[]): void {
  const before = existsSync(recordPath)
    ? (JSON.parse(readFileSync(recordPath, "utf8")) as Report)
    : undefined;
  const report: Report = {
    date: new Date().toISOString(),
    machine: thisMachine(),
    chapters: replaced(before?.chapters ?? [], chapters),
    appendices: replaced(before?.appendices ?? [], appendices),
  };
  writeFileSync(recordPath, `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(page, pageOf(report, readFileSync(remarksPath, "utf8").trimEnd()));
}

/** `old` with those of the same title replaced, and the others of `fresh` after them. */
function replaced<T extends { readonly title: string }>(
  old: readonly T[],
  fresh: readonly T[],
): readonly T[] {
  const titles = new Set(fresh.map(({ title }) => title));
  return [...old.filter(({ title }) => !titles.has(title)), ...fresh];
}

/** The same program on a private machine, for the fake kernel. */
async function onFakeKernel(args: readonly string[]): Promise<Chapter> {
  const machine = join(repository, "tests/fake-kernel/private-machine.sh");
  const child = Bun.spawn(["sh", machine, process.execPath, import.meta.path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) {
    throw new Error("the benchmark on the fake kernel failed");
  }
  return JSON.parse(text) as Chapter;
}

async function printed(program: string): Promise<string> {
  const child = Bun.spawn([process.execPath, join(repository, program)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) {
    throw new Error(`${program} failed`);
  }
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.join("\n");
}

process.exit(await main(process.argv.slice(2)));
