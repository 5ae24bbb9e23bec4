// The loop of every service: receive, decode, answer, send. Every request gets
// exactly one answer, also when its handler throws.

import { RequestError, Status } from "../protocol/status.ts";
import type { Session } from "../protocol/session.ts";
import type { MessageChannel } from "../transport/channel.ts";

/** The kernel has given up waiting; an answer would be taken for the next request's. */
export class LateReply extends Error {
  override readonly name = "LateReply";
}

export interface ServeOptions<Request, Reply> {
  readonly channel: MessageChannel;
  readonly session: Session<Request, Reply>;
  /** The answer to a request. A RequestError it throws carries its own status. */
  readonly answer: (request: Request) => Reply | Promise<Reply>;
  /** Told of every failed request, before the host is. */
  readonly onFailure: (request: Request, error: unknown) => void;
  /** Told of every message of which nothing comes. */
  readonly onIgnored?: (reason: string) => void;
  /** Called when an answer has been sent. */
  readonly onAnswered?: (request: Request) => void;
  readonly ready: () => void;
  readonly signal: AbortSignal;
  /** Seconds after which the kernel no longer waits for the answer to a request. */
  readonly patienceSeconds: (request: Request) => number;
}

/**
 * Serves until the channel ends.
 * @throws ChannelClosed at the end or on abort; LateReply, WireError or
 * NativeError when the channel must be opened anew.
 */
export async function serve<Request, Reply>(options: ServeOptions<Request, Reply>): Promise<never> {
  const { channel, session, signal } = options;
  if (session.hello !== undefined) {
    channel.send(session.hello);
  }
  for (;;) {
    const incoming = session.receive(await channel.receive(signal));
    switch (incoming.kind) {
      case "ready":
        options.ready();
        break;
      case "answer":
        channel.send(incoming.message);
        if (incoming.complaint !== undefined) {
          options.onIgnored?.(incoming.complaint);
        }
        break;
      case "request":
        await answerRequest(options, incoming.request);
        break;
      case "ignored":
        options.onIgnored?.(incoming.reason);
        break;
    }
  }
}

async function answerRequest<Request, Reply>(
  options: ServeOptions<Request, Reply>,
  request: Request,
): Promise<void> {
  const received = performance.now();
  const message = await answerOrFailure(options, request);
  const seconds = (performance.now() - received) / 1000;
  if (seconds >= options.patienceSeconds(request)) {
    throw new LateReply(`the answer took ${seconds.toFixed(1)} s, longer than the kernel waits`);
  }
  options.channel.send(message);
  options.onAnswered?.(request);
}

async function answerOrFailure<Request, Reply>(
  options: ServeOptions<Request, Reply>,
  request: Request,
): Promise<Uint8Array> {
  try {
    return options.session.reply(request, await options.answer(request));
  } catch (error) {
    options.onFailure(request, error);
    const status = error instanceof RequestError ? error.status : Status.fail;
    return options.session.fail(request, status);
  }
}
