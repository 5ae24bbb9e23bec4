// The kernel's end of /dev/vmbus/hv_fcopy: writes requests as the driver does
// (drivers/hv/hv_fcopy.c). Offsets are those of <linux/hyperv.h>, written out again
// here, so that a wrong one of ours shows.

import type { FarEnd } from "./memory-channel.ts";

export interface FcopyKernel {
  /** Takes the registration and answers it. */
  readonly register: () => Promise<void>;
  readonly start: (path: string, name: string, size: number, flags?: number) => Promise<number>;
  readonly write: (offset: number, data: string) => Promise<number>;
  readonly complete: () => Promise<number>;
  readonly cancel: () => Promise<number>;
}

export function fcopyKernel(far: FarEnd): FcopyKernel {
  const send = async (message: Buffer) => {
    far.send(new Uint8Array(message));
    const answer = Buffer.from(await far.receive());
    if (answer.length !== 4) {
      throw new Error(`answered in ${answer.length} bytes`);
    }
    return answer.readUInt32LE(0);
  };
  const message = (operation: number, bytes: number) => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUInt32LE(operation);
    return buffer;
  };
  return {
    register: async () => {
      const hello = Buffer.from(await far.receive());
      if (!hello.equals(Buffer.from([1, 0, 0, 0]))) {
        throw new Error(`registered by ${hello.toString("hex")}`);
      }
      far.send(new Uint8Array(hello));
    },
    start: (path, name, size, flags = 0) => {
      const start = message(0, 1088);
      start.write(name, 36);
      start.write(path, 556);
      start.writeUInt32LE(flags, 1076);
      start.writeBigUInt64LE(BigInt(size), 1080);
      return send(start);
    },
    write: (offset, data) => {
      const write = message(1, 6196);
      write.writeBigUInt64LE(BigInt(offset), 40);
      write.writeUInt32LE(data.length, 48);
      write.write(data, 52);
      return send(write);
    },
    complete: () => send(message(2, 36)),
    cancel: () => send(message(3, 36)),
  };
}
