// The host's side of a file copy over the fake driver (Copy-VMFile).

import type { FcopyDriver } from "./fcopy-driver.ts";
import { HostStatus, replyOf } from "./host-answer.ts";

export const FcopyOperation = { start: 0, write: 1, complete: 2, cancel: 3 } as const;

export const FcopyFlag = { overwrite: 1, createPath: 2 } as const;

/** The most data that one WRITE_TO_FILE message carries. */
export const FCOPY_FRAGMENT_BYTES = 6144;

const NAME_BYTES = 520;

/** struct hv_start_fcopy and hv_do_fcopy, offsets from include/uapi/linux/hyperv.h */
export const FcopyLayout = {
  headerBytes: 36,
  start: { fileName: 36, pathName: 556, flags: 1076, size: 1080, bytes: 1088 },
  write: { offset: 40, size: 48, data: 52, bytes: 52 + FCOPY_FRAGMENT_BYTES },
} as const;

export interface FileToCopy {
  readonly path: string;
  readonly name: string;
  readonly data: Buffer;
  /** Bits of {@link FcopyFlag}. */
  readonly flags?: number;
}

export class FcopyHost {
  readonly #driver: FcopyDriver;

  constructor(driver: FcopyDriver) {
    this.#driver = driver;
  }

  /** Copies a file; ends with COMPLETE, or at the first status that is not 0, which is returned. */
  async copy({ path, name, data, flags = 0 }: FileToCopy): Promise<number> {
    const status = await this.start(path, name, data.length, flags);
    if (status !== HostStatus.ok) {
      return status;
    }
    for (let offset = 0; offset < data.length; offset += FCOPY_FRAGMENT_BYTES) {
      const fragment = data.subarray(offset, offset + FCOPY_FRAGMENT_BYTES);
      const written = await this.write(offset, fragment);
      if (written !== HostStatus.ok) {
        return written;
      }
    }
    return this.complete();
  }

  start(path: string, name: string, size: number, flags = 0): Promise<number> {
    const message = Buffer.alloc(FcopyLayout.start.bytes);
    message.writeUInt32LE(FcopyOperation.start);
    message.write(name, FcopyLayout.start.fileName, NAME_BYTES);
    message.write(path, FcopyLayout.start.pathName, NAME_BYTES);
    message.writeUInt32LE(flags, FcopyLayout.start.flags);
    message.writeBigUInt64LE(BigInt(size), FcopyLayout.start.size);
    return this.exchange(message);
  }

  write(offset: number, data: Buffer): Promise<number> {
    const message = Buffer.alloc(FcopyLayout.write.bytes);
    message.writeUInt32LE(FcopyOperation.write);
    message.writeBigUInt64LE(BigInt(offset), FcopyLayout.write.offset);
    message.writeUInt32LE(data.length, FcopyLayout.write.size);
    data.copy(message, FcopyLayout.write.data);
    return this.exchange(message);
  }

  complete(): Promise<number> {
    return this.#bare(FcopyOperation.complete);
  }

  cancel(): Promise<number> {
    return this.#bare(FcopyOperation.cancel);
  }

  /** The daemon's status for any message. @throws NoAnswer */
  async exchange(message: Buffer): Promise<number> {
    return replyOf(await this.#driver.request(message)).readUInt32LE(0);
  }

  #bare(operation: number): Promise<number> {
    const message = Buffer.alloc(FcopyLayout.headerBytes);
    message.writeUInt32LE(operation);
    return this.exchange(message);
  }
}
