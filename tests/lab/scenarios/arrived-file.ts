// Files that a host has copied into the guest.

import assert from "node:assert/strict";
import type { Context } from "../runner/context.ts";

/** Requires that a file of the guest has this content; compares checksums. */
export async function assertContent(
  context: Context,
  path: string,
  content: Uint8Array,
  message = path,
): Promise<void> {
  const found = await context.sh(`sha256sum < '${path}' 2>/dev/null | cut -c1-64; true`);
  const expected = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  assert.equal(found.trim(), expected, message);
}
