// Prefix lengths and masks as hosts and configuration files spell them.

/** `255.255.255.0` for 24. */
export function ipv4Mask(prefixLength: number): string {
  return [0, 8, 16, 24]
    .map((start) => Math.min(Math.max(prefixLength - start, 0), 8))
    .map((bits) => 256 - 2 ** (8 - bits))
    .join(".");
}
