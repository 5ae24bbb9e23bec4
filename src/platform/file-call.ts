// Failures of node:fs as the native module's failures look.

import { NativeError } from "../native/native-error.ts";

/** Runs a call of node:fs and turns its failure into a {@link NativeError}. */
export function callFile<T>(call: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Error && "errno" in error && typeof error.errno === "number") {
      throw new NativeError(call, Math.abs(error.errno), { cause: error });
    }
    throw error;
  }
}
