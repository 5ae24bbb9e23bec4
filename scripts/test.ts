// Runs the project's tests: all suites, or those named on the command line.
//   npm test [-- SUITE...]     npm test -- --list

import { ensureDebianPackages } from "./debian-packages.ts";
import { repository } from "./process.ts";
import { type Step, type Suite, suites } from "./suites.ts";
import { type Counts, nothing, sum } from "./test-counts.ts";

async function main(names: readonly string[]): Promise<number> {
  if (names.includes("--list")) {
    for (const { name, description } of suites) {
      console.log(`${name.padEnd(12)}${description}`);
    }
    return 0;
  }
  const unknown = names.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    console.error(`there is no suite '${unknown}'; npm test -- --list names them`);
    return 2;
  }
  const chosen = suites.filter(({ name }) => names.length === 0 || names.includes(name));
  const results: [Suite, Counts, number][] = [];
  for (const suite of chosen) {
    const start = performance.now();
    results.push([suite, await runSuite(suite), (performance.now() - start) / 1000]);
  }
  console.log("");
  for (const [suite, counts, seconds] of results) {
    console.log(`${suite.name.padEnd(12)}${closingLine(counts)} (${seconds.toFixed(0)} s)`);
  }
  const total = sum(results.map(([, counts]) => counts));
  console.log(closingLine(total));
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

async function runSuite(suite: Suite): Promise<Counts> {
  ensureDebianPackages(suite.packages);
  const title = (step: Step) => `\n== ${suite.name}: ${step.title}\n`;
  if (suite.isParallel === true) {
    const shown = suite.steps.map(async (step) => {
      let printed = title(step);
      const counts = await runStep(step, (text) => {
        printed += text;
      });
      process.stdout.write(printed);
      return counts;
    });
    return sum(await Promise.all(shown));
  }
  const counts: Counts[] = [];
  for (const step of suite.steps) {
    process.stdout.write(title(step));
    counts.push(await runStep(step, (text) => process.stdout.write(text)));
  }
  return sum(counts);
}

async function runStep(step: Step, show: (text: string) => void): Promise<Counts> {
  if ("act" in step) {
    try {
      step.act();
      return { ...nothing, passed: 1 };
    } catch (error) {
      show(`${error instanceof Error ? error.message : String(error)}\n`);
      return { ...nothing, failed: 1 };
    }
  }
  const child = Bun.spawn([...step.argv], {
    cwd: repository,
    env: { ...process.env, FORCE_COLOR: "0", ...step.environment },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [standard, error] = await Promise.all([echo(child.stdout, show), echo(child.stderr, show)]);
  return step.count(`${standard}\n${error}`, await child.exited);
}

/** Shows what a program prints while it runs, and returns it. */
async function echo(
  stream: ReadableStream<Uint8Array>,
  show: (text: string) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    const part = decoder.decode(chunk, { stream: true });
    text += part;
    show(part);
  }
  return text;
}

process.exit(await main(process.argv.slice(2)));
