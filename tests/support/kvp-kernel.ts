// The kernel's end of /dev/vmbus/hv_kvp: writes requests as the driver does and reads
// answers from where the driver takes them (drivers/hv/hv_kvp.c). Offsets are those
// of <linux/hyperv.h>, written out again here, so that a wrong one of ours shows.

import type { FarEnd } from "./memory-channel.ts";

export interface KvpAnswer {
  readonly status: number;
  /** What the driver takes as key and value of an ENUMERATE and a GET. */
  readonly key: string;
  readonly value: string;
  readonly bytes: Buffer;
}

export interface KvpKernel {
  /** Takes the registration and answers it. */
  readonly register: () => Promise<void>;
  readonly set: (pool: number, key: string, value: string) => Promise<number>;
  readonly get: (pool: number, key: string) => Promise<KvpAnswer>;
  readonly delete: (pool: number, key: string) => Promise<number>;
  readonly enumerate: (pool: number, index: number) => Promise<KvpAnswer>;
  readonly getIpInfo: (mac: string) => Promise<KvpAnswer>;
  readonly setIpInfo: (adapterId: string) => Promise<number>;
  readonly send: (message: Buffer) => Promise<KvpAnswer>;
}

export function kvpKernel(far: FarEnd): KvpKernel {
  const send = async (message: Buffer) => {
    far.send(new Uint8Array(message));
    return answerOf(await far.receive());
  };
  const statusOf = async (message: Buffer) => (await send(message)).status;
  return {
    register: async () => {
      const hello = Buffer.from(await far.receive());
      if (hello[0] !== 100 || hello.length !== 7432) {
        throw new Error(`registered by operation ${hello[0]} in ${hello.length} bytes`);
      }
      const answer = kvpMessage(100, 0);
      answer.write("3.1", 4);
      far.send(new Uint8Array(answer));
    },
    set: (pool, key, value) => {
      const message = kvpMessage(1, pool);
      message.writeUInt32LE(Buffer.byteLength(key) + 1, 8);
      message.writeUInt32LE(Buffer.byteLength(value) + 1, 12);
      message.write(key, 16);
      message.write(value, 528);
      return statusOf(message);
    },
    get: (pool, key) => {
      const message = kvpMessage(0, pool);
      message.writeUInt32LE(Buffer.byteLength(key) + 1, 8);
      message.write(key, 16);
      return send(message);
    },
    delete: (pool, key) => {
      const message = kvpMessage(2, pool);
      message.writeUInt32LE(Buffer.byteLength(key) + 1, 4);
      message.write(key, 8);
      return statusOf(message);
    },
    enumerate: (pool, index) => {
      const message = kvpMessage(3, pool);
      message.writeUInt32LE(index, 4);
      return send(message);
    },
    getIpInfo: (mac) => {
      const message = kvpMessage(4, 0);
      message.write(mac, 4);
      return send(message);
    },
    setIpInfo: (adapterId) => {
      const message = kvpMessage(5, 0);
      message.write(adapterId, 4);
      return statusOf(message);
    },
    send,
  };
}

export function kvpMessage(operation: number, pool: number): Buffer {
  const message = Buffer.alloc(7432);
  message.writeUInt8(operation, 0);
  message.writeUInt8(pool, 1);
  return message;
}

function answerOf(message: Uint8Array): KvpAnswer {
  const bytes = Buffer.from(message);
  const textAt = (offset: number, length: number) =>
    bytes.toString("utf8", offset, offset + length).split("\0")[0] ?? "";
  return { status: bytes.readUInt32LE(0), key: textAt(20, 512), value: textAt(532, 2048), bytes };
}
