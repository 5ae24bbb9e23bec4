// Waiting with an end: everything in the lab that waits says for how long.

/** What was waited for did not happen in time. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * The value of `promise`, or a DeadlineError that says what was waited for.
 * `whatFor` may be a function when the text is known only at the end.
 */
export async function within<T>(
  milliseconds: number,
  whatFor: string | (() => string),
  promise: Promise<T>,
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const text = typeof whatFor === "string" ? whatFor : whatFor();
    reject(new DeadlineError(`${text}: not within ${milliseconds / 1000} s`));
  }, milliseconds);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks `probe` until it answers something other than undefined or false. */
export async function until<T>(
  milliseconds: number,
  whatFor: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  pauseMilliseconds = 50,
): Promise<T> {
  const end = performance.now() + milliseconds;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (performance.now() > end) {
      throw new DeadlineError(`${whatFor}: not within ${milliseconds / 1000} s`);
    }
    await Bun.sleep(pauseMilliseconds);
  }
}
