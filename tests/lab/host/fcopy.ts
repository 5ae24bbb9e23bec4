// Guest service interface: a host that copies a file into its guest (struct
// hv_start_fcopy, hv_do_fcopy of <linux/hyperv.h>, names in UTF-16).

import { Component, type Reply, type RequestOptions } from "./component.ts";
import { MessageType } from "./ic-message.ts";
import { guidBytes, utf16 } from "./text.ts";
import type { VmbusChannel } from "./vmbus-channel.ts";

export const FcopyOperation = { start: 0, write: 1, complete: 2, cancel: 3 } as const;

export const FcopyFlag = { overwrite: 1, createPath: 2 } as const;

export const FcopyStatus = {
  ok: 0,
  fail: 0x80004005,
  alreadyExists: 0x80070050,
  diskFull: 0x80070070,
} as const;

/** Most bytes of one WRITE. */
export const fragmentBytes = 6144;

const headerSize = 36;
const nameBytes = 520;
const start = { fileName: 36, pathName: 556, flags: 1076, fileSize: 1080, bytes: 1088 };
const write = { offset: 40, size: 48, data: 52 };

export const fcopyDescription = {
  type: MessageType.fcopy,
  frameworks: [
    { major: 1, minor: 0 },
    { major: 3, minor: 0 },
  ],
  messages: [
    { major: 1, minor: 0 },
    { major: 1, minor: 1 },
  ],
};

/** The two identifiers in each header; a Windows host puts its own there. */
const serviceId = guidBytes("34d14be3-dee4-41c8-9ae7-6b174977c192");

function header(operation: number, bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  body.writeUInt32LE(operation, 0);
  body.set(serviceId, 4);
  return body;
}

/** What START says. */
export interface FcopyStart {
  readonly fileName: string;
  readonly pathName: string;
  readonly flags?: number;
  readonly fileSize?: bigint;
}

export function startBody(file: FcopyStart): Buffer {
  const body = header(FcopyOperation.start, start.bytes);
  body.set(utf16(file.fileName, false).subarray(0, nameBytes), start.fileName);
  body.set(utf16(file.pathName, false).subarray(0, nameBytes), start.pathName);
  body.writeUInt32LE(file.flags ?? 0, start.flags);
  body.writeBigUInt64LE(file.fileSize ?? 0n, start.fileSize);
  return body;
}

/** `size` may be another than that of the data. */
export function writeBody(offset: bigint, data: Uint8Array, size = data.length): Buffer {
  const body = header(FcopyOperation.write, write.data + fragmentBytes);
  body.writeBigUInt64LE(offset, write.offset);
  body.writeUInt32LE(size, write.size);
  body.set(data.subarray(0, fragmentBytes), write.data);
  return body;
}

export interface CopyOptions extends RequestOptions {
  readonly flags?: number;
  /** The size that START announces, when it is not that of the content. */
  readonly announcedSize?: bigint;
  /** Bytes of each WRITE. */
  readonly fragment?: number;
  /** Called after each WRITE; what it returns ends the copy with CANCEL or leaves it there. */
  readonly afterWrite?: (written: number) => Promise<"cancel" | "leave" | undefined>;
}

/** How far a copy came. */
export interface CopyResult {
  /** The status of the request that failed, or of the last one. */
  readonly status: number;
  readonly step: "start" | "write" | "complete" | "cancel" | "left";
  readonly written: number;
  readonly milliseconds: number;
}

/** The host's side of file copy. */
export class FcopyHost extends Component {
  constructor(channel: VmbusChannel) {
    super(channel, fcopyDescription);
  }

  startCopy(file: FcopyStart, options: RequestOptions = {}): Promise<Reply> {
    return this.request(startBody(file), options);
  }

  write(offset: bigint, data: Uint8Array, options: RequestOptions = {}): Promise<Reply> {
    return this.request(writeBody(offset, data), options);
  }

  complete(options: RequestOptions = {}): Promise<Reply> {
    return this.request(header(FcopyOperation.complete, headerSize), options);
  }

  cancel(options: RequestOptions = {}): Promise<Reply> {
    return this.request(header(FcopyOperation.cancel, headerSize), options);
  }

  /** Copies a file as Copy-VMFile does: START, WRITE for each fragment, COMPLETE. */
  async copy(
    pathName: string,
    fileName: string,
    content: Uint8Array,
    options: CopyOptions = {},
  ): Promise<CopyResult> {
    const begin = performance.now();
    let written = 0;
    const ended = (step: CopyResult["step"], status: number): CopyResult => ({
      status,
      step,
      written,
      milliseconds: performance.now() - begin,
    });
    const fileSize = options.announcedSize ?? BigInt(content.length);
    const file = { pathName, fileName, fileSize, flags: options.flags ?? 0 };
    const started = await this.startCopy(file, options);
    if (started.status !== FcopyStatus.ok) {
      return ended("start", started.status);
    }
    const fragment = options.fragment ?? fragmentBytes;
    while (written < content.length) {
      const data = content.subarray(written, written + fragment);
      const reply = await this.write(BigInt(written), data, options);
      if (reply.status !== FcopyStatus.ok) {
        await this.cancel(options);
        return ended("write", reply.status);
      }
      written += data.length;
      const wish = await options.afterWrite?.(written);
      if (wish === "leave") {
        return ended("left", FcopyStatus.ok);
      }
      if (wish === "cancel") {
        return ended("cancel", (await this.cancel(options)).status);
      }
    }
    return ended("complete", (await this.complete(options)).status);
  }
}
