// Gives back the memory that only the start needed, once, when the start is over.

import { native } from "../native/binding.ts";
import { callNative, NativeError } from "../native/native-error.ts";
import type { Log } from "../log.ts";

/** The start's own garbage and late events are over by then. */
const settledMilliseconds = 2000;

/** To be called when all services have started. Keeps no process from its end. */
export function releaseStartMemory(log: Log): void {
  const timer = setTimeout(() => {
    Bun.gc(true);
    try {
      callNative(() => native().releaseProgramText());
    } catch (error) {
      if (!(error instanceof NativeError)) {
        throw error;
      }
      log.debug(() => `${error.message}, ignoring`);
    }
  }, settledMilliseconds);
  timer.unref();
}
