// What the host is told of a change of a pool that failed.

import { constants } from "node:os";
import { NativeError } from "../../native/native-error.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import { RecordError } from "./pool-record.ts";

const noSpace: readonly number[] = [constants.errno.ENOSPC, constants.errno.EDQUOT];

/**
 * Runs `change`. A key or value that no record holds becomes "invalid argument", a
 * full disk "disk full"; other failures are passed on.
 * @throws RequestError, and what `change` throws.
 */
export function changePool<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (error instanceof RecordError) {
      throw new RequestError(Status.invalidArgument, error.message, { cause: error });
    }
    if (error instanceof NativeError && noSpace.includes(error.errno)) {
      throw new RequestError(Status.diskFull, error.message, { cause: error });
    }
    throw error;
  }
}
