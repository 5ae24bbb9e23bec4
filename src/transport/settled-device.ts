// Devices of hv_utils that have only just appeared.

import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { MessageChannel } from "./channel.ts";
import { openDeviceChannel } from "./device-channel.ts";

/**
 * The driver shows its device before it is ready: hvutil_transport_init() makes the
 * node, and only when it has returned does hv_kvp, hv_vss or hv_fcopy know the new
 * transport. A registration in between is written to that of the last offer, which
 * has been freed: the kernel oopses (seen on 6.1). That takes microseconds, unless the
 * daemon that the node has woken takes the processor.
 */
const settleMilliseconds = 250;

/**
 * How long a device whose node was made (or changed) at `madeAt` is left alone, both
 * in milliseconds since 1970. A node of the future tells nothing: the whole time.
 */
export function settlesIn(madeAt: number, now: number): number {
  const age = now - madeAt;
  return Math.max(0, Math.min(settleMilliseconds, settleMilliseconds - age));
}

/**
 * Opens the device like {@link openDeviceChannel}, not before the driver is ready.
 * @throws as {@link openDeviceChannel}
 */
export async function openSettledDevice(path: string): Promise<MessageChannel | undefined> {
  const made = statSync(path, { throwIfNoEntry: false });
  if (made === undefined) {
    return undefined;
  }
  const wait = settlesIn(made.ctimeMs, Date.now());
  if (wait > 0) {
    await sleep(wait);
  }
  return openDeviceChannel(path);
}
