// A channel carries whole messages between the host (or the kernel on its behalf) and us.

import type { DiversionRule, FileState, PreparedAnswer } from "../native/binding.ts";

/** The channel has ended: rescinded, removed or closed. Not a fault. */
export class ChannelClosed extends Error {
  override readonly name = "ChannelClosed";
}

/** The diversion of a channel that has one. */
export interface Diversion {
  /** From the next message on. @throws NativeError when the file cannot be opened. */
  begin(rule: DiversionRule): void;
  /** Bytes written by the rule in force. */
  bytes(): number;
  /** Why a write of the rule in force failed: an errno, 0 for none. */
  failure(): number;
  /** Does not wait for a write under way. */
  end(): void;
}

/** Answers that a channel sends by itself when they are asked for. */
export interface PreparedAnswers {
  /** They hold while `file` is as it says, or until {@link forget}. */
  add(answers: readonly PreparedAnswer[], file?: FileState): void;
  forget(): void;
  /** How many were sent. */
  sent(): number;
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
  /** Aborted at the end, so that work for a host that is gone need not be finished. */
  readonly ended: AbortSignal;
  readonly diversion?: Diversion;
  readonly prepared?: PreparedAnswers;
  /** Closes; later calls do nothing. */
  close(): void;
}
