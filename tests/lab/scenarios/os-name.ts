// An item that every guest of the lab has: a sign of life of its data exchange.

import { type KvpHost, KvpPool } from "../host/kvp.ts";

/** What {@link osName} is in the guests. */
export const debian = "Debian GNU/Linux";

/** The value of the intrinsic item OSName, undefined when the guest refuses. */
export async function osName(kvp: KvpHost): Promise<string | undefined> {
  return (await kvp.enumerate(KvpPool.auto, 5)).item?.value;
}
