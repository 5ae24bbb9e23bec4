// For what comes to be a moment after its cause, such as the end of a helper process.

import { expect } from "bun:test";

const patienceMilliseconds = 5000;

/** Looks again until `look` gives what is expected, for a while; then it is a failure. */
export async function eventually<T>(look: () => T, expected: NoInfer<T>): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds;
  while (!Bun.deepEquals(look(), expected) && performance.now() < deadline) {
    await Bun.sleep(10);
  }
  expect(look()).toEqual(expected);
}
