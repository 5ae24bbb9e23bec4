// A protocol as a pure object: message in, request out; result in, message out.

import type { Status } from "./status.ts";

/** What a received message means. */
export type Incoming<Request> =
  /** The kernel has answered the registration. */
  | { readonly kind: "ready" }
  /** The session answers by itself (negotiation, an unknown operation). */
  | {
      readonly kind: "answer";
      readonly message: Uint8Array;
      /** What was wrong with what is answered, for the log. */
      readonly complaint?: string;
    }
  | { readonly kind: "request"; readonly request: Request }
  /** Nothing that could be answered. */
  | { readonly kind: "ignored"; readonly reason: string };

/** One life of a channel, from its registration on. */
export interface Session<Request, Reply> {
  /** What we send first; undefined where the other end begins. */
  readonly hello: Uint8Array | undefined;
  /** @throws WireError when the bytes are not a message of this protocol. */
  receive(message: Uint8Array): Incoming<Request>;
  reply(request: Request, reply: Reply): Uint8Array;
  fail(request: Request, status: Status): Uint8Array;
}
