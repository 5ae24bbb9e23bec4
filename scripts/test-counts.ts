// Reads how many tests passed out of what each runner prints.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const nothing: Counts = { passed: 0, failed: 0, skipped: 0 };

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (total, counts) => ({
      passed: total.passed + counts.passed,
      failed: total.failed + counts.failed,
      skipped: total.skipped + counts.skipped,
    }),
    nothing,
  );
}

/** A check that either holds or does not. */
export function countExit(_output: string, exitCode: number): Counts {
  return exitCode === 0 ? { ...nothing, passed: 1 } : { ...nothing, failed: 1 };
}

/** `bun test`: ` 12 pass`, ` 0 fail`, ` 1 skip` and the line `Ran 13 tests …`. */
export function countBun(output: string, exitCode: number): Counts {
  const numberBefore = (word: string) =>
    Number(new RegExp(`^\\s*(\\d+) ${word}$`, "m").exec(output)?.[1] ?? 0);
  const counts = {
    passed: numberBefore("pass"),
    failed: numberBefore("fail"),
    skipped: numberBefore("skip") + numberBefore("todo"),
  };
  // A run that ended by itself, or tested nothing, has failed whatever it printed.
  const ran = /^Ran [1-9]\d* tests? across/m.test(output);
  return orFailed(counts, ran && exitCode === 0);
}

/** `cargo test`: a line `test result: ok. 3 passed; 0 failed; 1 ignored; …` a target. */
export function countCargo(output: string, exitCode: number): Counts {
  const results = output.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  );
  const counts = sum(
    [...results].map(([, passed, failed, ignored]) => ({
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(ignored),
    })),
  );
  return orFailed(counts, exitCode === 0);
}

/** Our own runners: the last line is `N passed, N failed[, N skipped|pending]`. */
export function countClosingLine(output: string, exitCode: number): Counts {
  const lines = [
    ...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) (?:skipped|pending))?$/gm),
  ];
  const last = lines.at(-1);
  const counts = {
    passed: Number(last?.[1] ?? 0),
    failed: Number(last?.[2] ?? 0),
    skipped: Number(last?.[3] ?? 0),
  };
  return orFailed(counts, last !== undefined && exitCode === 0);
}

function orFailed(counts: Counts, good: boolean): Counts {
  return good || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}
