// The part of the FUSE protocol that a directory of message devices needs
// (include/uapi/linux/fuse.h, protocol 7.31).

export const Opcode = {
  lookup: 1,
  forget: 2,
  getattr: 3,
  setattr: 4,
  open: 14,
  read: 15,
  write: 16,
  statfs: 17,
  release: 18,
  fsync: 20,
  flush: 25,
  init: 26,
  opendir: 27,
  readdir: 28,
  releasedir: 29,
  access: 34,
  interrupt: 36,
  destroy: 38,
  ioctl: 39,
  poll: 40,
  batchForget: 42,
} as const;

export const Errno = {
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  EBADF: 9,
  EAGAIN: 11,
  EFAULT: 14,
  EBUSY: 16,
  EINVAL: 22,
  ENOTTY: 25,
  ENOSYS: 38,
} as const;

export const PollEvent = {
  in: 0x01 | 0x40, // POLLIN | POLLRDNORM
  hangUp: 0x08 | 0x10, // POLLERR | POLLHUP
} as const;

/** Largest write and read that the kernel sends in one request. */
export const MAX_TRANSFER = 65536;
const PROTOCOL_MINOR = 31;
const NOTIFY_POLL = 1;
const POLL_SCHEDULE_NOTIFY = 1;
const OPEN_DIRECT_IO = 1;
const HEADER = 40;

export const ROOT_NODE = 1n;

/** A request of the kernel's FUSE: its header, and the bytes after it. */
export interface FuseRequest {
  readonly opcode: number;
  /** The kernel's number of the request; the reply repeats it. */
  readonly unique: bigint;
  readonly node: bigint;
  readonly body: Buffer;
}

export function parseRequest(message: Buffer): FuseRequest {
  return {
    opcode: message.readUInt32LE(4),
    unique: message.readBigUInt64LE(8),
    node: message.readBigUInt64LE(16),
    body: message.subarray(HEADER),
  };
}

export function nameIn(body: Buffer): string {
  return body.toString("utf8", 0, body.indexOf(0));
}

export function readSize(body: Buffer): number {
  return body.readUInt32LE(16);
}

/** A copy of what was written: the request's buffer is used again. */
export function writtenBytes(body: Buffer): Buffer {
  return Buffer.from(body.subarray(HEADER, HEADER + body.readUInt32LE(16)));
}

/** Where a poll wants to be notified, or undefined when it only asks. */
export function pollHandle(body: Buffer): bigint | undefined {
  return body.readUInt32LE(16) & POLL_SCHEDULE_NOTIFY ? body.readBigUInt64LE(8) : undefined;
}

export function interruptedRequest(body: Buffer): bigint {
  return body.readBigUInt64LE(0);
}

/** A whole reply: header, and `body` when there is no error. */
export function reply(unique: bigint, errno: number, body?: Uint8Array): Buffer {
  return message(unique, -errno, errno === 0 ? body : undefined);
}

/** Wakes who polls on `handle`. */
export function pollNotification(handle: bigint): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(handle);
  return message(0n, NOTIFY_POLL, body);
}

function message(unique: bigint, code: number, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeInt32LE(code, 4);
  header.writeBigUInt64LE(unique, 8);
  return Buffer.concat([header, body]);
}

export function initBody(): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(PROTOCOL_MINOR, 4);
  body.writeUInt16LE(16, 16); // max_background
  body.writeUInt16LE(12, 18); // congestion_threshold
  body.writeUInt32LE(MAX_TRANSFER, 20); // max_write
  body.writeUInt32LE(1, 24); // time_gran
  return body;
}

/** Attributes that the kernel must ask for again each time. */
export function attributesBody(node: bigint): Buffer {
  const body = Buffer.alloc(104);
  writeAttributes(body, 16, node);
  return body;
}

/** An entry that the kernel must look up again each time. */
export function entryBody(node: bigint): Buffer {
  const body = Buffer.alloc(128);
  body.writeBigUInt64LE(node, 0);
  writeAttributes(body, 40, node);
  return body;
}

function writeAttributes(body: Buffer, offset: number, node: bigint): void {
  const mode = node === ROOT_NODE ? 0o40755 : 0o100600;
  body.writeBigUInt64LE(node, offset);
  body.writeUInt32LE(mode, offset + 60);
  body.writeUInt32LE(1, offset + 64); // nlink
  body.writeUInt32LE(4096, offset + 80); // blksize
}

/** Reads and writes come as the process made them, without a cache. */
export function openBody(): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(OPEN_DIRECT_IO, 8);
  return body;
}

export function countBody(count: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(count, 0);
  return body;
}

/** The entries from the one that the request asks for. */
export function directoryBody(
  body: Buffer,
  entries: readonly { readonly name: string; readonly node: bigint }[],
): Buffer {
  const first = Number(body.readBigUInt64LE(8));
  return Buffer.concat(
    entries.slice(first).map(({ name, node }, index) => {
      const text = Buffer.from(name);
      const entry = Buffer.alloc(24 + ((text.length + 7) & ~7));
      entry.writeBigUInt64LE(node, 0);
      entry.writeBigUInt64LE(BigInt(first + index + 1), 8);
      entry.writeUInt32LE(text.length, 16);
      entry.writeUInt32LE(8, 20); // DT_REG
      text.copy(entry, 24);
      return entry;
    }),
  );
}
