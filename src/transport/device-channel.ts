// A channel over a character device of hv_utils (drivers/hv/hv_utils_transport.c).

import { constants } from "node:os";
import { native, type NativeDevice } from "../native/binding.ts";
import { callNative, NativeError, nativeError } from "../native/native-error.ts";
import { ChannelClosed, type MessageChannel } from "./channel.ts";
import { diversionOf } from "./diversion.ts";
import { MessageQueue } from "./message-queue.ts";

const { EBADF, ENODEV, ENOENT, ENXIO } = constants.errno;

/** Larger than every message of hv_kvp (7,432), hv_vss (12) and hv_fcopy (6,196). */
const bufferBytes = 8192;

/** Whether an errno says that the device is not there, rather than that something is wrong. */
export function isAbsent(errno: number): boolean {
  return errno === ENOENT || errno === ENXIO || errno === ENODEV || errno === EBADF;
}

/**
 * Opens the device, or returns undefined when it is not there (not offered, or
 * just being removed).
 * @throws NativeError otherwise: EBUSY another daemon has it, EACCES.
 */
export function openDeviceChannel(path: string): MessageChannel | undefined {
  const queue = new MessageQueue();
  let device: NativeDevice;
  try {
    device = new (native().Device)(path, bufferBytes, (message, errno) => {
      if (message !== null) {
        queue.put(message);
      } else {
        queue.end(endOf(path, errno ?? 0));
      }
    });
  } catch (error) {
    const failure = nativeError(error);
    if (failure instanceof NativeError && isAbsent(failure.errno)) {
      return undefined;
    }
    throw failure;
  }
  return {
    receive: (signal) => queue.take(signal),
    send: (message) => {
      try {
        callNative(() => device.write(message));
      } catch (error) {
        if (error instanceof NativeError && error.errno === EBADF) {
          throw new ChannelClosed(`'${path}' is gone`, { cause: error });
        }
        throw error;
      }
    },
    ended: queue.ended,
    diversion: diversionOf(device),
    prepared: {
      add: (answers, file) => device.prepare(answers, file),
      forget: () => device.forgetPrepared(),
      sent: () => device.preparedSent(),
    },
    close: () => {
      device.close();
      queue.end(new ChannelClosed(`'${path}' was closed`));
    },
  };
}

function endOf(path: string, errno: number): Error {
  return errno === 0 || isAbsent(errno)
    ? new ChannelClosed(`'${path}' is gone`)
    : new NativeError(`read '${path}'`, errno);
}
