// The header of integration component messages, as a Windows host writes it and
// Linux's hyperv_vmbus.h declares it: vmbuspipe_hdr (8 bytes), icmsg_hdr (20 bytes),
// then the body. Little endian.

/** What a message is about (ICMSGTYPE_*). */
export const MessageType = {
  negotiate: 0,
  heartbeat: 1,
  keyValue: 2,
  shutdown: 3,
  timesync: 4,
  vss: 5,
  fcopy: 7,
} as const;

/** ICMSGHDRFLAG_* */
export const MessageFlag = { transaction: 1, request: 2, response: 4 } as const;

export const headerBytes = 28;

export interface Version {
  readonly major: number;
  readonly minor: number;
}

export function versionText(version: Version): string {
  return `${version.major}.${version.minor}`;
}

/** Every field of the two headers. */
export interface MessageHeader {
  readonly pipeFlags: number;
  /** Bytes after the pipe header. */
  readonly pipeBytes: number;
  readonly framework: Version;
  readonly type: number;
  readonly message: Version;
  /** Bytes of the body. */
  readonly bodyBytes: number;
  readonly status: number;
  readonly transaction: number;
  readonly flags: number;
  readonly reserved: number;
}

/** A message in its parts. */
export interface IcMessage {
  readonly header: MessageHeader;
  readonly body: Uint8Array;
}

/** The bytes of a message; sizes that are not given are those of the body. */
export function encodeMessage(header: Partial<MessageHeader>, body: Uint8Array): Uint8Array {
  const packet = Buffer.alloc(headerBytes + body.length);
  packet.writeUInt32LE(header.pipeFlags ?? 1, 0);
  packet.writeUInt32LE(header.pipeBytes ?? headerBytes - 8 + body.length, 4);
  packet.writeUInt16LE(header.framework?.major ?? 3, 8);
  packet.writeUInt16LE(header.framework?.minor ?? 0, 10);
  packet.writeUInt16LE(header.type ?? 0, 12);
  packet.writeUInt16LE(header.message?.major ?? 0, 14);
  packet.writeUInt16LE(header.message?.minor ?? 0, 16);
  packet.writeUInt16LE(header.bodyBytes ?? body.length, 18);
  packet.writeUInt32LE(header.status ?? 0, 20);
  packet.writeUInt8(header.transaction ?? 0, 24);
  packet.writeUInt8(header.flags ?? MessageFlag.transaction | MessageFlag.request, 25);
  packet.writeUInt16LE(header.reserved ?? 0, 26);
  packet.set(body, headerBytes);
  return packet;
}

/** The parts of a packet. @throws Error when it is shorter than the headers. */
export function decodeMessage(payload: Uint8Array): IcMessage {
  if (payload.length < headerBytes) {
    throw new Error(`integration component message of ${payload.length} bytes: no header`);
  }
  const packet = Buffer.from(payload);
  const header = {
    pipeFlags: packet.readUInt32LE(0),
    pipeBytes: packet.readUInt32LE(4),
    framework: { major: packet.readUInt16LE(8), minor: packet.readUInt16LE(10) },
    type: packet.readUInt16LE(12),
    message: { major: packet.readUInt16LE(14), minor: packet.readUInt16LE(16) },
    bodyBytes: packet.readUInt16LE(18),
    status: packet.readUInt32LE(20),
    transaction: packet.readUInt8(24),
    flags: packet.readUInt8(25),
    reserved: packet.readUInt16LE(26),
  };
  return { header, body: new Uint8Array(packet.subarray(headerBytes)) };
}

/** The body of a negotiation: counts, a reserved word, the versions of both kinds. */
export function encodeVersions(
  frameworks: readonly Version[],
  messages: readonly Version[],
  counts: { readonly frameworks?: number; readonly messages?: number } = {},
): Uint8Array {
  const versions = [...frameworks, ...messages];
  const body = Buffer.alloc(8 + versions.length * 4);
  body.writeUInt16LE(counts.frameworks ?? frameworks.length, 0);
  body.writeUInt16LE(counts.messages ?? messages.length, 2);
  for (const [index, version] of versions.entries()) {
    body.writeUInt16LE(version.major, 8 + index * 4);
    body.writeUInt16LE(version.minor, 10 + index * 4);
  }
  return body;
}

/** What a guest answers to a negotiation. */
export interface VersionAnswer {
  readonly frameworkCount: number;
  readonly messageCount: number;
  readonly versions: readonly Version[];
}

export function decodeVersions(body: Uint8Array): VersionAnswer {
  const buffer = Buffer.from(body);
  const frameworkCount = buffer.readUInt16LE(0);
  const messageCount = buffer.readUInt16LE(2);
  const versions: Version[] = [];
  for (let offset = 8; offset + 4 <= buffer.length; offset += 4) {
    versions.push({ major: buffer.readUInt16LE(offset), minor: buffer.readUInt16LE(offset + 2) });
  }
  return {
    frameworkCount,
    messageCount,
    versions: versions.slice(0, frameworkCount + messageCount),
  };
}
