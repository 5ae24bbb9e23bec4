// The host's side of one integration component: negotiation, requests, replies.
// The services (kvp.ts, vss.ts ...) add their messages. Everything that an odd host
// could do wrong has a knob here: any header field, no answer awaited, several
// requests at once, a second negotiation in the middle.

import {
  decodeMessage,
  decodeVersions,
  encodeMessage,
  encodeVersions,
  type IcMessage,
  MessageFlag,
  type MessageHeader,
  MessageType,
  type Version,
  versionText,
} from "./ic-message.ts";
import { PacketType, type VmbusChannel } from "./vmbus-channel.ts";

/** The guest has broken the protocol: its answer is not one that a host understands. */
export class GuestProtocolError extends Error {
  override readonly name = "GuestProtocolError";
}

/** The versions that a host offers, and the type of its messages. */
export interface ComponentDescription {
  readonly type: number;
  readonly frameworks: readonly Version[];
  readonly messages: readonly Version[];
}

/** The versions in use. */
export interface Negotiated {
  readonly framework: Version;
  readonly message: Version;
}

export interface NegotiateOptions {
  readonly frameworks?: readonly Version[];
  readonly messages?: readonly Version[];
  /** Counts that are not those of the lists. */
  readonly counts?: { readonly frameworks?: number; readonly messages?: number };
  readonly header?: Partial<MessageHeader>;
  readonly milliseconds?: number;
  /** Passes over answers to requests of an earlier connection, which may still come. */
  readonly passesOver?: boolean;
}

/** A reply of the guest, checked against the request's header. */
export interface Reply {
  readonly status: number;
  readonly body: Uint8Array;
  readonly header: MessageHeader;
  /** From the request to the reply. */
  readonly milliseconds: number;
}

export interface RequestOptions {
  /** Header fields that are not those of a proper host. */
  readonly header?: Partial<MessageHeader>;
  readonly milliseconds?: number;
}

/** The kernel answers for a daemon that does not after 30 s. */
export const replyMilliseconds = 45_000;

/** One component. `negotiate` before the first request. */
export class Component {
  readonly channel: VmbusChannel;
  readonly description: ComponentDescription;
  #negotiated: Negotiated | undefined;
  #negotiatedOpening = 0;
  #transaction = 0;

  constructor(channel: VmbusChannel, description: ComponentDescription) {
    this.channel = channel;
    this.description = description;
  }

  /** What was negotiated since the guest opened the channel, on this connection. */
  get negotiated(): Negotiated | undefined {
    return this.#negotiatedOpening === this.channel.openings ? this.#negotiated : undefined;
  }

  /** Offers the versions and returns what the guest has chosen. Fine at any time. */
  async negotiate(options: NegotiateOptions = {}): Promise<Negotiated> {
    const frameworks = options.frameworks ?? this.description.frameworks;
    const messages = options.messages ?? this.description.messages;
    this.postNegotiation(options);
    const milliseconds = options.milliseconds ?? replyMilliseconds;
    let received = await this.receiveMessage(milliseconds);
    while (options.passesOver === true && received.header.type !== MessageType.negotiate) {
      received = await this.receiveMessage(milliseconds);
    }
    const { header, body } = received;
    if (header.type !== MessageType.negotiate) {
      throw new GuestProtocolError(`type ${header.type} in answer to a negotiation`);
    }
    const answer = decodeVersions(body);
    const [framework, message] = answer.versions;
    if (answer.frameworkCount !== 1 || answer.messageCount !== 1) {
      throw new GuestProtocolError(
        `counts ${answer.frameworkCount}/${answer.messageCount}: no supported versions`,
      );
    }
    if (framework === undefined || message === undefined) {
      throw new GuestProtocolError("an answer to the negotiation without versions");
    }
    const isOffered = (list: readonly Version[], version: Version) =>
      list.some((offered) => versionText(offered) === versionText(version));
    if (!isOffered(frameworks, framework) || !isOffered(messages, message)) {
      throw new GuestProtocolError(
        `versions ${versionText(framework)}, ${versionText(message)} were not offered`,
      );
    }
    this.#negotiated = { framework, message };
    this.#negotiatedOpening = this.channel.openings;
    return this.#negotiated;
  }

  /** Sends the offer of versions and awaits nothing. */
  postNegotiation(options: NegotiateOptions = {}): void {
    const body = encodeVersions(
      options.frameworks ?? this.description.frameworks,
      options.messages ?? this.description.messages,
      options.counts,
    );
    const header = { framework: { major: 1, minor: 0 }, transaction: 0, ...options.header };
    this.channel.send(encodeMessage({ type: MessageType.negotiate, ...header }, body));
  }

  /** Sends one request and awaits its reply, whatever its status. */
  async request(body: Uint8Array, options: RequestOptions = {}): Promise<Reply> {
    const sent = this.post(body, options.header);
    return this.reply(sent, options.milliseconds);
  }

  /** Sends one request and awaits nothing; returns the header that was sent. */
  post(body: Uint8Array, overrides: Partial<MessageHeader> = {}): MessageHeader {
    this.#transaction = (this.#transaction % 255) + 1;
    const header: Partial<MessageHeader> = {
      framework: this.negotiated?.framework ?? { major: 3, minor: 0 },
      message: this.negotiated?.message ?? { major: 0, minor: 0 },
      type: this.description.type,
      transaction: this.#transaction,
      ...overrides,
    };
    const packet = encodeMessage(header, body);
    this.channel.send(packet);
    return decodeMessage(packet).header;
  }

  /** The reply to a request that `post` sent. */
  async reply(sent: MessageHeader, milliseconds = replyMilliseconds): Promise<Reply> {
    const start = performance.now();
    const { header, body } = await this.receiveMessage(milliseconds);
    if (header.transaction !== sent.transaction || header.type !== sent.type) {
      throw new GuestProtocolError(
        `reply of type ${header.type}, transaction ${header.transaction} to type ${sent.type}, transaction ${sent.transaction}`,
      );
    }
    return { status: header.status, body, header, milliseconds: performance.now() - start };
  }

  /** The next message of the guest, checked as a host does. */
  async receiveMessage(milliseconds = replyMilliseconds): Promise<IcMessage> {
    const packet = await this.channel.receive(milliseconds);
    if (packet.packetType !== PacketType.inBand) {
      throw new GuestProtocolError(`VMBus packet of type ${packet.packetType}`);
    }
    const message = decodeMessage(packet.payload);
    const expected = MessageFlag.transaction | MessageFlag.response;
    if ((message.header.flags & expected) !== expected) {
      throw new GuestProtocolError(`flags ${message.header.flags}: not a response`);
    }
    if (message.header.bodyBytes > message.body.length) {
      throw new GuestProtocolError(
        `body of ${message.header.bodyBytes} bytes in a packet with ${message.body.length}`,
      );
    }
    // QEMU pads packets to 8 bytes: what the header does not count is not the guest's.
    const end = Math.min(message.body.length, message.header.bodyBytes);
    return { header: message.header, body: message.body.subarray(0, end) };
  }
}
