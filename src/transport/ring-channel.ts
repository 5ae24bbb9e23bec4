// A channel over the rings of a VMBus device in user space (uio_hv_generic).

import { constants } from "node:os";
import { native, type NativeUioRing } from "../native/binding.ts";
import { callNative, NativeError, nativeError } from "../native/native-error.ts";
import { ChannelClosed, type MessageChannel } from "./channel.ts";
import { isAbsent } from "./device-channel.ts";
import { diversionOf } from "./diversion.ts";
import { MessageQueue } from "./message-queue.ts";

const { EBADF } = constants.errno;

export interface RingDevice {
  /** /dev/uioN */
  readonly path: string;
  /** Bytes of both rings together. */
  readonly mapBytes: number;
  /** A file that is locked while the channel is open: the driver lets everybody in. */
  readonly lockPath: string;
}

/**
 * Opens the rings, or returns undefined when the device is not there.
 * @throws NativeError otherwise: EBUSY another process has the lock, EACCES.
 */
export function openRingChannel({
  path,
  mapBytes,
  lockPath,
}: RingDevice): MessageChannel | undefined {
  const queue = new MessageQueue();
  let ring: NativeUioRing;
  try {
    ring = new (native().UioRing)(path, mapBytes, lockPath, (message, errno, reason) => {
      if (message !== null) {
        queue.put(message);
      } else {
        queue.end(endOf(path, errno ?? 0, reason));
      }
    });
  } catch (error) {
    const failure = nativeError(error);
    if (failure instanceof NativeError && isAbsent(failure.errno)) {
      return undefined;
    }
    throw failure;
  }
  let received = false;
  return {
    ended: queue.ended,
    receive: async (signal) => {
      if (received) {
        // The message before has been dealt with: the next may be read.
        received = false;
        ring.proceed();
      }
      const message = await queue.take(signal);
      received = true;
      return message;
    },
    send: (message) => {
      try {
        callNative(() => ring.send(message));
      } catch (error) {
        if (error instanceof NativeError && error.errno === EBADF) {
          throw new ChannelClosed(`'${path}' is gone`, { cause: error });
        }
        throw error;
      }
    },
    diversion: diversionOf(ring),
    close: () => {
      ring.close();
      queue.end(new ChannelClosed(`'${path}' was closed`));
    },
  };
}

function endOf(path: string, errno: number, reason: string | null): Error {
  if (errno === 0 || isAbsent(errno)) {
    return new ChannelClosed(`'${path}' is gone`);
  }
  return new NativeError(`read '${path}'${reason === null ? "" : `: ${reason}`}`, errno);
}
