// Waits for what another thread or process brings about.

/** Resolves to the first truthy value of `look`. @throws Error after a minute. */
export async function until<T>(look: () => T | undefined | false | null): Promise<T> {
  const end = performance.now() + 60_000;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false && found !== null) {
      return found;
    }
    if (performance.now() > end) {
      throw new Error(`waited a minute for ${look.toString()}`);
    }
    await Bun.sleep(2);
  }
}
