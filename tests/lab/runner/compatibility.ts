// The table of differences: what a host saw of our daemon and of the C daemons in the
// same scenarios, differences only, each with the reason that ../differences.ts gives.

import type { GuestName } from "../vm/cache.ts";
import type { Outcome } from "./scenario.ts";

/** Why both daemons differ. */
export interface Explanation {
  /** The scenario's name. */
  readonly scenario: string;
  /** The observations that it explains; all of the scenario by default. */
  readonly labels?: RegExp;
  /** Whose doing it is. */
  readonly verdict: "C daemon's fault" | "improvement" | "choice" | "our fault";
  /** One sentence for the table. */
  readonly why: string;
  /** It depends on timing, so a run may not show it. */
  readonly isOccasional?: boolean;
}

/** One observation that is not the same for both. */
export interface Difference {
  readonly service: string;
  readonly scenario: string;
  readonly label: string;
  readonly c: string;
  readonly ours: string;
  readonly guests: readonly GuestName[];
}

/** What is compared of an outcome; outcomes.json keeps it. */
export type Compared = Pick<Outcome, "guest" | "who" | "result" | "observations"> & {
  readonly scenario: { readonly name: string; readonly service: string };
};

/** What the C daemons showed, as the repository keeps it: a run of ours alone is compared with it. */
export function recordText(outcomes: readonly Compared[]): string {
  const key = ({ scenario, guest }: Compared) => `${scenario.service}: ${scenario.name}: ${guest}`;
  const kept = outcomes
    .filter(({ who }) => who === "c")
    .sort((a, b) => key(a).localeCompare(key(b), "en"))
    .map(({ scenario: { name, service }, guest, result, observations }) => ({
      scenario: { name, service },
      guest,
      who: "c",
      result,
      observations,
    }));
  return `${JSON.stringify(kept, undefined, 2)}\n`;
}

/** What both daemons of a guest showed; a label that only one of them has is no difference. */
export function differencesOf(outcomes: readonly Compared[]): Difference[] {
  const found = new Map<string, Difference>();
  for (const ours of outcomes.filter(({ who }) => who === "ours")) {
    const c = outcomes.find(
      ({ who, guest, scenario }) =>
        who === "c" && guest === ours.guest && scenario.name === ours.scenario.name,
    );
    const seen = c === undefined ? {} : withResult(c);
    for (const [label, value] of Object.entries(withResult(ours))) {
      const other = seen[label];
      if (other === undefined || other === value) {
        continue;
      }
      const key = JSON.stringify([ours.scenario.name, label, other, value]);
      const guests = [...(found.get(key)?.guests ?? []), ours.guest].sort();
      const { service, name } = ours.scenario;
      found.set(key, { service, scenario: name, label, c: other, ours: value, guests });
    }
  }
  return [...found.values()];
}

/** What was written down, and whether the scenario's end was reached. */
function withResult({ result, observations }: Compared): Readonly<Record<string, string>> {
  const passes = result.startsWith("passed") ? "passes" : "fails";
  return { ...observations, "the scenario": passes };
}

/** The differences with their reasons, those without one, and reasons without a difference. */
export interface Explained {
  readonly rows: readonly {
    readonly explanation: Explanation;
    readonly differences: Difference[];
  }[];
  readonly unexplained: readonly Difference[];
  readonly stale: readonly Explanation[];
}

export function explain(
  differences: readonly Difference[],
  explanations: readonly Explanation[],
): Explained {
  const explains = (explanation: Explanation, difference: Difference) =>
    explanation.scenario === difference.scenario &&
    (explanation.labels?.test(difference.label) ?? true);
  const rows = explanations.map((explanation) => ({
    explanation,
    differences: differences.filter(
      (difference) =>
        explanations.find((candidate) => explains(candidate, difference)) === explanation,
    ),
  }));
  return {
    rows: rows.filter((row) => row.differences.length > 0),
    unexplained: differences.filter(
      (difference) => !explanations.some((explanation) => explains(explanation, difference)),
    ),
    stale: rows
      .filter((row) => row.differences.length === 0 && row.explanation.isOccasional !== true)
      .map((row) => row.explanation),
  };
}

const statusNames: Readonly<Record<string, string>> = {
  "0x00000000": "success",
  "0x80004005": "failure (0x80004005)",
  "0x80070103": "no more items (0x80070103)",
  "0x80070032": "not supported (0x80070032)",
  "0x80070057": "invalid argument (0x80070057)",
  "0x80070050": "already exists (0x80070050)",
  "0x80070070": "disk full (0x80070070)",
  "0x80041002": "no such adapter (0x80041002)",
};

function cell(text: string): string {
  const named = text.replaceAll(/0x8?[0-9a-f]{7,8}/g, (status) => statusNames[status] ?? status);
  const short = named.length > 160 ? `${named.slice(0, 160)}…` : named;
  return short.replaceAll("|", "\\|").replaceAll("\n", " ") || "(empty)";
}

const manyLabels = 3;

/** `a, b, c and 24 more` */
function labelsText(labels: readonly string[]): string {
  const shown = labels.slice(0, manyLabels).join(", ");
  const rest = labels.length - manyLabels;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

/** Rows of the same values as one. */
function grouped(
  differences: readonly Difference[],
): readonly (Difference & { labels: string[] })[] {
  const groups = new Map<string, Difference & { labels: string[] }>();
  for (const difference of differences) {
    const key = JSON.stringify([difference.c, difference.ours, difference.guests]);
    const group = groups.get(key) ?? { ...difference, labels: [] };
    group.labels.push(difference.label);
    groups.set(key, group);
  }
  return [...groups.values()];
}

const titles: Readonly<Record<string, string>> = {
  kvp: "Data exchange (hv_kvp_daemon)",
  vss: "Backup (hv_vss_daemon)",
  fcopy: "File copy (hv_fcopy_daemon, hv_fcopy_uio_daemon)",
};

/** docs/compatibility.md. */
export function compatibilityPage(
  explained: Explained,
  guests: readonly { readonly name: string; readonly kernel: string }[],
  scenarioCount: number,
): string {
  const lines = [
    "# Where a host sees a difference to the C daemons",
    "",
    `The same ${scenarioCount} scenarios are played to hvguest and to the daemons that Debian ships, on`,
    `${guests.map(({ name, kernel }) => `Linux ${kernel} (${name})`).join(", ")}. What the host saw of both is compared; this page has`,
    "every difference and its reason. `npm run lab -- --who ours,c --write-compatibility` writes it, and a",
    "run with both daemons fails when it finds a difference without a reason.",
  ];
  for (const [service, title] of Object.entries(titles)) {
    const rows = explained.rows.filter(({ differences }) => differences[0]?.service === service);
    if (rows.length === 0) {
      continue;
    }
    lines.push("", `## ${title}`);
    for (const { explanation, differences } of rows) {
      lines.push(
        "",
        `### ${explanation.scenario}`,
        "",
        `${explanation.why} (${explanation.verdict})`,
        "",
        "| the host sees | C daemon | hvguest | where |",
        "| --- | --- | --- | --- |",
      );
      for (const group of grouped(differences)) {
        const where = group.guests.length === guests.length ? "all" : group.guests.join(", ");
        lines.push(
          `| ${cell(labelsText(group.labels))} | ${cell(group.c)} | ${cell(group.ours)} | ${where} |`,
        );
      }
    }
  }
  return `${lines.join("\n")}\n`;
}
