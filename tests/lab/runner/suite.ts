// Runs the chosen scenarios on the chosen guests, some guests at a time, and says
// what became of them.

import type { GuestName } from "../vm/cache.ts";
import { GuestRunner, type RunnerOptions } from "./guest-runner.ts";
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

/** Runs everything; outcomes in the order in which they ended. */
export async function runSuite(
  scenarios: readonly Scenario[],
  options: SuiteOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const queue = [...options.guests];
  const work = async (): Promise<void> => {
    for (let guest = queue.shift(); guest !== undefined; guest = queue.shift()) {
      await using runner = new GuestRunner(guest, options);
      for (const who of options.who) {
        for (const scenario of chosen(scenarios, guest, who)) {
          const outcome = await runner.run(scenario, who);
          outcomes.push(outcome);
          report(outcome);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return outcomes;
}

/** `12 passed, 0 failed, 1 pending`, after a line on second tries when there were some. */
export function summary(outcomes: readonly Outcome[]): string {
  const count = (test: (result: Outcome["result"]) => boolean) =>
    outcomes.filter(({ result }) => test(result)).length;
  const again = count((result) => result === "passed on the second try");
  const note = again > 0 ? `${again} passed on the second try only\n` : "";
  const passed = count((result) => result.startsWith("passed"));
  const failed = count((result) => result === "failed");
  const pending = count((result) => result === "pending");
  return `${note}${passed} passed, ${failed} failed, ${pending} pending`;
}
