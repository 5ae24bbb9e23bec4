// A service under the fuzzer: what is sent to it, and what must be true in between.

import type { ServiceName } from "../../src/services/service.ts";
import type { ServiceDriver } from "../fake-kernel/service-driver.ts";
import type { FakeVmbus } from "../fake-kernel/vmbus.ts";
import type { Random } from "./random.ts";

export interface FuzzTarget {
  readonly service: ServiceName;
  offer(bus: FakeVmbus): ServiceDriver;
  /** The next message; more often nearly right than noise. */
  message(random: Random): Buffer;
  /** Whether the daemon must answer this message, rather than register again. */
  mustAnswer(message: Buffer): boolean;
  /** What is wrong with an answer, if something is. */
  faultOf(reply: Buffer): string | undefined;
  /** An ordinary request with a known answer. @throws Error when it is not answered so. */
  canary(driver: ServiceDriver, round: number): Promise<void>;
}

/** Every status is 0 or an error of Windows (an HRESULT with its top bit). */
export function statusFault(reply: Buffer): string | undefined {
  const status = reply.readUInt32LE(0);
  return status === 0 || status >= 0x80000000 ? undefined : `status 0x${status.toString(16)}`;
}

/** Changes a few bytes anywhere. */
export function disturb(message: Buffer, random: Random): Buffer {
  for (let count = random.below(8); count > 0; count -= 1) {
    message[random.below(message.length)] = random.next();
  }
  return message;
}
