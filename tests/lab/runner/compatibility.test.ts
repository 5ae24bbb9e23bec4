import { expect, test } from "bun:test";
import {
  type Compared,
  compatibilityPage,
  differencesOf,
  explain,
  type Explanation,
  recordText,
} from "./compatibility.ts";
import type { Outcome, Scenario, Who } from "./scenario.ts";

const scenario: Scenario = { name: "a key is set", service: "kvp", run: () => Promise.resolve() };

function outcome(who: Who, guest: Outcome["guest"], observations: Record<string, string>): Outcome {
  return { scenario, guest, who, result: "passed", milliseconds: 1, observations };
}

const outcomes = [
  outcome("c", "g61", { status: "0x00000000", same: "1", onlyC: "x" }),
  outcome("ours", "g61", { status: "0x80004005", same: "1", onlyOurs: "x" }),
  outcome("c", "g7", { status: "0x00000000", same: "1" }),
  outcome("ours", "g7", { status: "0x80004005", same: "1" }),
];

const reason: Explanation = { scenario: "a key is set", verdict: "choice", why: "So be it." };

test("a difference is what both daemons showed and what is not the same, over all guests", () => {
  expect(differencesOf(outcomes)).toEqual([
    {
      service: "kvp",
      scenario: "a key is set",
      label: "status",
      c: "0x00000000",
      ours: "0x80004005",
      guests: ["g61", "g7"],
    },
  ]);
});

test("a scenario that only one of them passes is a difference", () => {
  const failed = { ...outcome("c", "g61", {}), result: "failed" as const };
  expect(differencesOf([failed, outcome("ours", "g61", {})])).toMatchObject([
    { label: "the scenario", c: "fails", ours: "passes" },
  ]);
});

test("a difference without a reason and a reason without a difference are found", () => {
  const differences = differencesOf(outcomes);
  expect(explain(differences, []).unexplained).toHaveLength(1);
  expect(explain(differences, [reason])).toMatchObject({ unexplained: [], stale: [] });
  expect(explain([], [reason]).stale).toEqual([reason]);
  expect(explain([], [{ ...reason, isOccasional: true }]).stale).toEqual([]);
  const other = { ...reason, labels: /^other$/ };
  expect(explain(differences, [other])).toMatchObject({ stale: [other] });
});

test("the page has each difference once, with names for statuses", () => {
  const explained = explain(differencesOf(outcomes), [reason]);
  const guests = ["g61", "g7"].map((name) => ({ name, kernel: "6.1" }));
  const page = compatibilityPage(explained, guests, 1);
  expect(page).toContain("### a key is set\n\nSo be it. (choice)");
  expect(page).toContain("| status | success | failure (0x80004005) | all |");
});

test("what the C daemons showed is kept, so that ours alone can be compared with it", () => {
  const kept: Compared[] = JSON.parse(recordText(outcomes));
  expect(kept.map(({ who, guest }) => [who, guest])).toEqual([
    ["c", "g61"],
    ["c", "g7"],
  ]);
  const ours = outcomes.filter(({ who }) => who === "ours");
  expect(differencesOf([...ours, ...kept])).toEqual(differencesOf(outcomes));
});
