// The kernel's refusal of a call, as the native module reports it.

import { constants } from "node:os";

const errnoNames = new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]));

/** A system call failed. `errno` is the kernel's number, 0 for a hang-up of a device. */
export class NativeError extends Error {
  override readonly name = "NativeError";
  readonly errno: number;

  /** `call` names the act and its object, such as `open '/dev/vmbus/hv_kvp'`. */
  constructor(call: string, errno: number, options?: ErrorOptions) {
    super(`${call}: ${errnoText(errno)}`, options);
    this.errno = errno;
  }
}

/** The symbolic name of an errno (`ENOENT`), or `errno 999` for one without a name. */
export function errnoText(errno: number): string {
  return errno === 0 ? "hung up" : (errnoNames.get(errno) ?? `errno ${errno}`);
}

/**
 * Runs a call of the native module and turns its failure into a {@link NativeError}
 * (crates/hv_native/src/error.rs puts the errno into `code`).
 */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw nativeError(error);
  }
}

/** A failure of the native module as a {@link NativeError}; anything else as it is. */
export function nativeError(error: unknown): unknown {
  if (error instanceof Error && "code" in error && /^\d+$/.test(String(error.code))) {
    return new NativeError(error.message, Number(error.code), { cause: error });
  }
  return error;
}
