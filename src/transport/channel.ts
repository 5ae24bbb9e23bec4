// A channel carries whole messages between the host (or the kernel on its behalf) and us.

/** The channel has ended: rescinded, removed or closed. Not a fault. */
export class ChannelClosed extends Error {
  override readonly name = "ChannelClosed";
}

/** One end of a channel. One message is one receive or one send. */
export interface MessageChannel {
  /**
   * The next message, in order.
   * @throws ChannelClosed when the channel has ended or `signal` is aborted.
   * @throws NativeError when the kernel refused to read.
   */
  receive(signal: AbortSignal): Promise<Uint8Array>;
  /**
   * Sends at once, without waiting for the other end.
   * @throws ChannelClosed when the channel has ended.
   * @throws NativeError when the kernel refused the message.
   */
  send(message: Uint8Array): void;
  /** Closes; later calls do nothing. */
  close(): void;
}
