// Runs the chosen scenarios on the chosen guests, some guests at a time, and says
// what became of them.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GuestName } from "../vm/cache.ts";
import { GuestRunner, type RunnerOptions, ruinsGuest } from "./guest-runner.ts";
import { defaultGuests, type Outcome, type Scenario, type Who } from "./scenario.ts";

export interface SuiteOptions extends RunnerOptions {
  readonly guests: readonly GuestName[];
  readonly who: readonly Who[];
  /** Guests at a time. */
  readonly jobs: number;
}

/** The scenarios that concern a guest and a daemon. */
export function chosen(
  scenarios: readonly Scenario[],
  guest: GuestName,
  who: Who,
): readonly Scenario[] {
  return scenarios.filter(
    (scenario) =>
      (scenario.guests ?? defaultGuests).includes(guest) && (scenario.who ?? [who]).includes(who),
  );
}

function report(outcome: Outcome): void {
  const seconds = (outcome.milliseconds / 1000).toFixed(1);
  const { guest, who, result, scenario, reason } = outcome;
  console.log(
    `${result.padEnd(7)} ${guest} ${who} ${scenario.service}: ${scenario.name} (${seconds} s)`,
  );
  if (scenario.pending !== undefined) {
    console.log(`        waits for: ${scenario.pending}`);
  }
  if (reason !== undefined) {
    console.log(
      reason
        .split("\n")
        .slice(0, 12)
        .map((line) => `        ${line}`)
        .join("\n"),
    );
  }
}

/** With so few left, whoever has a guest is done before another one has booted. */
const worthBoot = 8;

/** What one kind of guest has still to play, which guests of that kind share. */
interface Queue {
  readonly guest: GuestName;
  readonly turns: { readonly scenario: Scenario; readonly who: Who }[];
  /** Whether a job has begun with it. */
  isServed: boolean;
}

function queuesOf(scenarios: readonly Scenario[], { guests, who }: SuiteOptions): Queue[] {
  return guests.map((guest) => {
    const turns = who.flatMap((one) =>
      chosen(scenarios, guest, one).map((scenario) => ({ scenario, who: one })),
    );
    // Those after which a guest has to be booted anew come last: many boots are saved.
    const ruins = turns.map((turn) => ruinsGuest(turn.scenario, turn.who));
    return {
      guest,
      isServed: false,
      turns: [
        ...turns.filter((_, turn) => !ruins[turn]),
        ...turns.filter((_, turn) => ruins[turn]),
      ],
    };
  });
}

/** Runs everything; outcomes in the order in which they ended, also in outcomes.json. */
export async function runSuite(
  scenarios: readonly Scenario[],
  options: SuiteOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const record = join(options.results, "outcomes.json");
  const queues = queuesOf(scenarios, options);
  const work = async (job: number): Promise<void> => {
    // Each job begins with a kind of guest of its own, and helps the others at the end.
    const own = job % queues.length;
    for (const queue of [...queues.slice(own), ...queues.slice(0, own)]) {
      const { guest, turns } = queue;
      if (turns.length <= (queue.isServed ? worthBoot : 0)) {
        continue;
      }
      queue.isServed = true;
      await using runner = new GuestRunner(guest, options);
      for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) {
        const outcome = await runner.run(turn.scenario, turn.who);
        outcomes.push(outcome);
        report(outcome);
        // After each, so that a run that is cut short is not lost.
        writeFileSync(record, JSON.stringify(outcomes, undefined, 1));
      }
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, (_, job) => work(job)));
  return outcomes;
}

/**
 * `12 passed, 0 failed, 1 pending` of our daemon, after a line on second tries and one
 * on the C daemons, whose failures are judged by the table of differences.
 */
export function summary(outcomes: readonly Outcome[]): string {
  const of = (who: Who, test: (result: Outcome["result"]) => boolean) =>
    outcomes.filter((outcome) => outcome.who === who && test(outcome.result)).length;
  const lines: string[] = [];
  const again = of("ours", (result) => result === "passed on the second try");
  if (again > 0) {
    lines.push(`${again} passed on the second try only`);
  }
  const ofC = of("c", () => true);
  if (ofC > 0) {
    lines.push(`the C daemons fail ${of("c", (result) => result === "failed")} of ${ofC}`);
  }
  const passed = of("ours", (result) => result.startsWith("passed"));
  const failed = of("ours", (result) => result === "failed");
  const pending = of("ours", (result) => result === "pending");
  lines.push(`${passed} passed, ${failed} failed, ${pending} pending`);
  return lines.join("\n");
}
