// Randomness that a failed test can be repeated with: TEST_SEED=N bun test.

const seed = Number(process.env["TEST_SEED"] ?? Date.now() % 2 ** 31);

/** Numbers that look random and depend on the seed and `name` alone. */
export interface Random {
  /** From 0 to `limit - 1`. */
  below(limit: number): number;
  bytes(length: number): Uint8Array;
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/**
 * Runs `property` with `rounds` different sources of randomness. The error of a
 * failing round names the seed.
 */
export function forRandom(name: string, rounds: number, property: (random: Random) => void): void {
  for (let round = 0; round < rounds; round += 1) {
    try {
      property(randomOf(`${seed}/${name}/${round}`));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${reason}\nround ${round}; again with TEST_SEED=${seed}`, { cause: error });
    }
  }
}

function randomOf(start: string): Random {
  // xorshift32: period 2^32 - 1, all that a test needs.
  let state = Bun.hash.xxHash32(start) || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const below = (limit: number) => next() % limit;
  return {
    below,
    bytes: (length) => Uint8Array.from({ length }, () => below(256)),
    pick: (choices) => choices[below(choices.length)] ?? choices[0],
  };
}
