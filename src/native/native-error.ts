// The kernel's refusal of a call, as the native module reports it.

import { getSystemErrorMap } from "node:util";

const systemErrors = getSystemErrorMap();

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

/** An errno in words with its symbolic name: `no such file or directory (ENOENT)`. */
export function errnoText(errno: number): string {
  if (errno === 0) {
    return "hung up";
  }
  const [name, text] = systemErrors.get(-errno) ?? [];
  return name === undefined ? `errno ${errno}` : `${text} (${name})`;
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
