// A channel whose other end is held by the test, in the place of the kernel.

import { ChannelClosed, type MessageChannel } from "../../src/transport/channel.ts";
import { MessageQueue } from "../../src/transport/message-queue.ts";

/** The kernel's end. */
export interface FarEnd {
  send(message: Uint8Array): void;
  /** The next message that came; rejects with ChannelClosed once the channel is closed. */
  receive(): Promise<Uint8Array>;
  /** The device goes. */
  remove(): void;
  /** From now on each send of the near end throws `error`. */
  refuse(error: Error): void;
  readonly isClosed: boolean;
}

/** Both ends of one channel. */
export function connectedChannel(): [MessageChannel, FarEnd] {
  const toGuest = new MessageQueue();
  const toKernel = new MessageQueue();
  const never = new AbortController().signal;
  let refusal: Error | undefined;
  let isClosed = false;
  const end = () => {
    const reason = new ChannelClosed("the memory channel is gone");
    toGuest.end(reason);
    toKernel.end(reason);
    refusal ??= reason;
  };
  return [
    {
      ended: toGuest.ended,
      receive: (signal) => toGuest.take(signal),
      send: (message) => {
        if (refusal !== undefined) {
          throw refusal;
        }
        toKernel.put(message.slice());
      },
      close: () => {
        isClosed = true;
        end();
      },
    },
    {
      send: (message) => toGuest.put(message),
      receive: () => toKernel.take(never),
      remove: end,
      refuse: (error) => {
        refusal = error;
      },
      get isClosed() {
        return isClosed;
      },
    },
  ];
}
