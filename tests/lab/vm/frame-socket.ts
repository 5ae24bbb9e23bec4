// A Unix socket that carries frames: a little-endian u32 with the number of bytes
// that follow, then those bytes. QEMU's channels and the guest's agent both use it.

import { createConnection, type Socket } from "node:net";

/** What a frame socket tells its owner. */
export interface FrameListener {
  /** One frame without its length field; the bytes are the listener's to keep. */
  frame(bytes: Uint8Array): void;
  /** The other side has gone; called once. */
  closed(): void;
}

/** A connected frame socket. */
export class FrameSocket {
  readonly #socket: Socket;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  private constructor(socket: Socket, listener: FrameListener) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#take(chunk, listener));
    socket.on("error", () => {
      // "close" follows and is reported.
    });
    socket.on("close", () => listener.closed());
  }

  /** Connects to the socket at `path`; rejects when nobody listens there. */
  static async connect(path: string, listener: FrameListener): Promise<FrameSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const socket = createConnection(path, () => resolve(undefined));
    socket.once("error", reject);
    await promise;
    socket.off("error", reject);
    return new FrameSocket(socket, listener);
  }

  /** Queues one frame; `bytes` begins after the length field. */
  send(bytes: Uint8Array): void {
    const frame = Buffer.allocUnsafe(4 + bytes.length);
    frame.writeUInt32LE(bytes.length);
    frame.set(bytes, 4);
    this.#socket.write(frame);
  }

  /** Reads nothing more until `resume`: the other side fills up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer, listener: FrameListener): void {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    while (this.#pendingBytes >= 4) {
      const first = this.#pending[0];
      if (first === undefined || first.length < 4) {
        this.#join();
        continue;
      }
      const length = first.readUInt32LE(0);
      if (this.#pendingBytes < 4 + length) {
        return;
      }
      const bytes = first.length < 4 + length ? this.#join() : first;
      this.#pending[0] = bytes.subarray(4 + length);
      this.#pendingBytes -= 4 + length;
      if (this.#pending[0].length === 0) {
        this.#pending.shift();
      }
      listener.frame(new Uint8Array(bytes.subarray(4, 4 + length)));
    }
  }

  #join(): Buffer {
    const all = Buffer.concat(this.#pending);
    this.#pending = [all];
    return all;
  }
}
