// The command line of the lab: `npm run lab -- [COMMAND] [OPTION...]`.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { boot } from "./boot.ts";
import { explanations } from "./differences.ts";
import { playHost } from "./host-command.ts";
import { prepare } from "./prepare.ts";
import {
  type Compared,
  compatibilityPage,
  differencesOf,
  explain,
  recordText,
} from "./runner/compatibility.ts";
import { defaultGuests, type Who } from "./runner/scenario.ts";
import { runSuite, summary } from "./runner/suite.ts";
import { scenarios } from "./scenarios/all.ts";
import { guestDirectory, type GuestName, guestNames } from "./vm/cache.ts";

const usage = `npm run lab -- [--guest g61,g612,g7] [--who ours|c|ours,c] [--only PATTERN] [--service kvp]
               [--jobs 3] [--binary dist/hvguest] [--results DIR] [--list] [--write-compatibility]
                                                              runs the scenarios
npm run lab -- prepare [GUEST...]                              makes the lab ready
npm run lab -- boot GUEST [--share DIR] [--dir DIR] [--exec COMMAND]
npm run lab -- compare OUTCOMES.json...                        compares earlier runs, writes the page
                                                              and what the C daemons showed
npm run lab -- host DIR SERVICE OPERATION [ARGUMENT...]        plays the host of a booted guest`;

const root = resolve(import.meta.dir, "../..");

/** What the C daemons showed in the run that wrote docs/compatibility.md. */
const recordPath = join(import.meta.dir, "c-daemons.json");

function guestsOf(text: string | undefined): GuestName[] {
  const names = text === undefined ? [...defaultGuests] : text.split(",");
  return names.map((name) => {
    const known = guestNames.find((guest) => guest === name);
    if (known === undefined) {
      throw new Error(`no guest '${name}': ${guestNames.join(", ")}`);
    }
    return known;
  });
}

function whoOf(text: string | undefined): Who[] {
  return (text ?? "ours").split(",").map((name) => {
    if (name !== "ours" && name !== "c") {
      throw new Error(`--who '${name}': ours or c`);
    }
    return name;
  });
}

async function suite(parameters: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      guest: { type: "string" },
      who: { type: "string" },
      only: { type: "string" },
      service: { type: "string" },
      jobs: { type: "string", default: "3" },
      binary: { type: "string", default: "dist/hvguest" },
      list: { type: "boolean", default: false },
      results: { type: "string", default: join(import.meta.dir, "results") },
      "write-compatibility": { type: "boolean", default: false },
    },
  });
  const pattern = new RegExp(values.only ?? "", "i");
  const wanted = scenarios.filter(
    ({ name, service }) =>
      pattern.test(name) && (values.service === undefined || values.service === service),
  );
  if (values.list) {
    console.log(wanted.map(({ service, name }) => `${service}: ${name}`).join("\n"));
    return 0;
  }
  const guests = guestsOf(values.guest);
  const who = whoOf(values.who);
  const binary = resolve(root, values.binary);
  if (who.includes("ours") && !existsSync(binary)) {
    throw new Error(`'${binary}' is missing: npm run build`);
  }
  await prepare(guests);
  const results = resolve(values.results);
  rmSync(results, { recursive: true, force: true });
  mkdirSync(results, { recursive: true });
  const outcomes = await runSuite(wanted, {
    guests,
    who,
    jobs: Number(values.jobs),
    binary: who.includes("ours") ? binary : undefined,
    results,
  });
  const isWhole = wanted.length === scenarios.length && values.guest === undefined;
  // Ours alone is compared with what the C daemons have shown before.
  const ofC = who.includes("c") ? [] : recordedOutcomes();
  const isExplained = !who.includes("ours") || compare([...outcomes, ...ofC], isWhole);
  if (who.length > 1 && values["write-compatibility"]) {
    writePage(outcomes);
  }
  console.log(summary(outcomes));
  const hasFailed = outcomes.some(
    ({ who: whose, result }) => whose === "ours" && result === "failed",
  );
  return hasFailed || !isExplained ? 1 : 0;
}

function recordedOutcomes(): readonly Compared[] {
  return JSON.parse(readFileSync(recordPath, "utf8")) as Compared[];
}

/** Compares both daemons; false when a difference has no reason, or a reason no difference. */
function compare(outcomes: readonly Compared[], isWhole: boolean): boolean {
  const { unexplained, stale } = explain(differencesOf(outcomes), explanations);
  for (const { guests, scenario, label, c, ours } of unexplained) {
    const where = `${guests.join(", ")}: '${scenario}': ${label}`;
    console.log(`no reason for a difference on ${where}: C '${c}', ours '${ours}'`);
  }
  for (const { scenario, why } of isWhole ? stale : []) {
    console.log(`a reason without a difference: '${scenario}': ${why}`);
  }
  return unexplained.length === 0 && !(isWhole && stale.length > 0);
}

function writePage(outcomes: readonly Compared[]): void {
  const guests = [...new Set(outcomes.map(({ guest }) => guest))].map((name) => ({
    name,
    kernel: readFileSync(join(guestDirectory(name), "version"), "utf8").trim(),
  }));
  const count = new Set(
    outcomes.filter(({ who }) => who === "c").map(({ scenario }) => scenario.name),
  ).size;
  const explained = explain(differencesOf(outcomes), explanations);
  writeFileSync(join(root, "docs/compatibility.md"), compatibilityPage(explained, guests, count));
  writeFileSync(recordPath, recordText(outcomes));
}

/** Compares the outcomes of earlier runs, and writes the page. */
function compareFiles(files: readonly string[]): number {
  const outcomes = files.flatMap((file) => JSON.parse(readFileSync(file, "utf8")) as Compared[]);
  const isExplained = compare(outcomes, true);
  writePage(outcomes);
  return isExplained ? 0 : 1;
}

async function main(command: string | undefined, parameters: readonly string[]): Promise<number> {
  if (command === "prepare") {
    await prepare(guestsOf(parameters[0] === undefined ? undefined : parameters.join(",")));
    return 0;
  }
  if (command === "compare") {
    return compareFiles(parameters);
  }
  if (command === "boot") {
    return boot(parameters);
  }
  if (command === "host") {
    return playHost(parameters);
  }
  if (command === "help" || command === "--help") {
    console.log(usage);
    return 0;
  }
  return suite(process.argv.slice(2));
}

try {
  process.exitCode = await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}
