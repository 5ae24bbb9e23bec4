// A guest for the tests of the host library: the device's end of a channel's socket,
// answered by a function.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeMessage, encodeMessage, encodeVersions, type IcMessage } from "./ic-message.ts";

/** Frames of the device: hello, opened, packet. */
const kind = { hello: 1, opened: 2, packet: 4 };

function frame(type: number, payload: Uint8Array, argument = 0, argument2 = 0): Buffer {
  const bytes = Buffer.alloc(24 + payload.length);
  bytes.writeUInt32LE(20 + payload.length, 0);
  bytes.writeUInt8(type, 4);
  bytes.writeUInt16LE(6, 6);
  bytes.writeUInt32LE(argument, 8);
  bytes.writeUInt32LE(argument2, 12);
  bytes.set(payload, 24);
  return bytes;
}

/** What the guest answers to a message; undefined is silence. */
export type Answer = (message: IcMessage) => Partial<IcMessage> | undefined;

/** The answer of a guest that takes the last version of both kinds that is offered. */
export function acceptLast(message: IcMessage): Partial<IcMessage> {
  const body = Buffer.from(message.body);
  const frameworks = body.readUInt16LE(0);
  const last = (index: number) => ({
    major: body.readUInt16LE(8 + index * 4),
    minor: body.readUInt16LE(10 + index * 4),
  });
  const messages = body.readUInt16LE(2);
  return { body: encodeVersions([last(frameworks - 1)], [last(frameworks + messages - 1)]) };
}

/** A listening guest; `received` has the messages that are no negotiation. */
export class FakeGuest implements Disposable {
  readonly received: IcMessage[] = [];
  readonly path: string;
  readonly #directory = mkdtempSync(join(tmpdir(), "hvlab-fake-"));
  readonly #server: Server;
  /** Bytes of each write to the host. */
  chunk = Number.POSITIVE_INFINITY;

  private constructor(answer: Answer) {
    this.path = join(this.#directory, "guest.sock");
    this.#server = createServer((socket) => this.#serve(socket, answer));
  }

  static async listen(answer: Answer): Promise<FakeGuest> {
    const guest = new FakeGuest(answer);
    const { promise, resolve } = Promise.withResolvers<undefined>();
    guest.#server.listen(guest.path, () => resolve(undefined));
    await promise;
    return guest;
  }

  [Symbol.dispose](): void {
    this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #serve(socket: Socket, answer: Answer): void {
    let pending = Buffer.alloc(0);
    this.#write(socket, frame(kind.hello, new Uint8Array(32), 1, 3));
    this.#write(socket, frame(kind.opened, new Uint8Array(0), 16_000));
    socket.on("data", (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32LE(0)) {
        const end = 4 + pending.readUInt32LE(0);
        if (pending.readUInt8(4) === kind.packet) {
          this.#take(socket, decodeMessage(pending.subarray(24, end)), answer);
        }
        pending = pending.subarray(end);
      }
    });
  }

  #take(socket: Socket, message: IcMessage, answer: Answer): void {
    if (message.header.type !== 0) {
      this.received.push(message);
    }
    const given = answer(message);
    if (given === undefined) {
      return;
    }
    const body = given.body ?? message.body;
    const header = { ...message.header, flags: 5, bodyBytes: body.length, ...given.header };
    this.#write(socket, frame(kind.packet, encodeMessage(header, body)));
  }

  #write(socket: Socket, bytes: Buffer): void {
    for (let offset = 0; offset < bytes.length; offset += this.chunk) {
      socket.write(bytes.subarray(offset, offset + this.chunk));
    }
  }
}
