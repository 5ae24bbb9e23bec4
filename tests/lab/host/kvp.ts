// Data exchange (KVP): what a host asks a guest about its key-value pools and its
// network (struct hv_kvp_msg and hv_kvp_ip_msg of <linux/hyperv.h>, in UTF-16).

import { Component, GuestProtocolError, type Reply, type RequestOptions } from "./component.ts";
import { MessageType } from "./ic-message.ts";
import { fromUtf16, utf16 } from "./text.ts";
import type { VmbusChannel } from "./vmbus-channel.ts";

export const KvpOperation = {
  get: 0,
  set: 1,
  delete: 2,
  enumerate: 3,
  getIpInfo: 4,
  setIpInfo: 5,
} as const;

export const KvpPool = {
  external: 0,
  guest: 1,
  auto: 2,
  autoExternal: 3,
  autoInternal: 4,
} as const;

/** Types of registry values. */
export const ValueType = {
  string: 1,
  expandString: 2,
  dword: 4,
  linuxQword: 8,
  qword: 11,
} as const;

export const KvpStatus = {
  ok: 0,
  fail: 0x80004005,
  noMoreItems: 0x80070103,
  notSupported: 0x80070032,
  invalidArgument: 0x80070057,
  guidNotFound: 0x80041002,
} as const;

/** Bytes of the messages and places in them. */
const messageBytes = 7432;
const ipMessageBytes = 7428;
const keyArea = 512;
const valueArea = 2048;
const enumerated = { index: 4, type: 8, keyBytes: 12, valueBytes: 16, key: 20, value: 532 };
const pair = { type: 4, keyBytes: 8, valueBytes: 12, key: 16, value: 528 };
const deleted = { keyBytes: 4, key: 8 };
const ip = {
  adapter: { offset: 2, bytes: 256 },
  family: 258,
  dhcp: 259,
  addresses: { offset: 260, bytes: 2048 },
  subnets: { offset: 2308, bytes: 2048 },
  gateways: { offset: 4356, bytes: 1024 },
  nameServers: { offset: 5380, bytes: 2048 },
};

export interface KvpItem {
  readonly key: string;
  readonly value: string;
}

export interface EnumerateReply extends Reply {
  readonly item: KvpItem | undefined;
  readonly valueType: number;
  readonly keyBytes: number;
  readonly valueBytes: number;
}

/** What a host says and hears of one network adapter; the lists are `;`-separated text. */
export interface IpInfo {
  readonly adapter: string;
  /** Bit 0 IPv4, bit 1 IPv6. */
  readonly family: number;
  readonly isDhcpEnabled: boolean;
  readonly addresses: string;
  readonly subnets: string;
  readonly gateways: string;
  readonly nameServers: string;
}

/** Knobs of a value that is set. */
export interface SetOptions extends RequestOptions {
  readonly type?: number;
  /** Sizes in bytes that are not those of the texts. */
  readonly keyBytes?: number;
  readonly valueBytes?: number;
  /** Bytes of the value rather than text. */
  readonly valueArea?: Uint8Array;
}

/** The versions that Linux knows, and 5.0, which newer hosts offer too. */
export const kvpDescription = {
  type: MessageType.keyValue,
  frameworks: [
    { major: 1, minor: 0 },
    { major: 3, minor: 0 },
  ],
  messages: [
    { major: 1, minor: 0 },
    { major: 3, minor: 0 },
    { major: 4, minor: 0 },
    { major: 5, minor: 0 },
  ],
};

/** An empty request, for odd hosts to fill. */
export function kvpBody(operation: number, pool: number, bytes = messageBytes): Buffer {
  const body = Buffer.alloc(Math.max(bytes, 2));
  body.writeUInt8(operation, 0);
  body.writeUInt8(pool, 1);
  return body.subarray(0, bytes);
}

function put(area: Buffer, offset: number, bytes: Uint8Array, most: number): void {
  area.set(bytes.subarray(0, most), offset);
}

/** Body of ENUMERATE. */
export function enumerateBody(pool: number, index: number): Buffer {
  const body = kvpBody(KvpOperation.enumerate, pool);
  body.writeUInt32LE(index, enumerated.index);
  return body;
}

/** Body of SET. */
export function setBody(
  pool: number,
  key: string,
  value: string | number | bigint,
  options: SetOptions = {},
): Buffer {
  const body = kvpBody(KvpOperation.set, pool);
  const keyText = utf16(key);
  let type: number = ValueType.string;
  let area = options.valueArea ?? utf16(String(value));
  if (typeof value === "number") {
    type = ValueType.dword;
    area = Buffer.alloc(4);
    Buffer.from(area.buffer, area.byteOffset, 4).writeUInt32LE(value >>> 0);
  } else if (typeof value === "bigint") {
    type = ValueType.qword;
    area = Buffer.alloc(8);
    Buffer.from(area.buffer, area.byteOffset, 8).writeBigUInt64LE(value);
  }
  body.writeUInt32LE(options.type ?? type, pair.type);
  body.writeUInt32LE(options.keyBytes ?? Math.min(keyText.length, keyArea), pair.keyBytes);
  body.writeUInt32LE(options.valueBytes ?? Math.min(area.length, valueArea), pair.valueBytes);
  put(body, pair.key, keyText, keyArea);
  put(body, pair.value, area, valueArea);
  return body;
}

/** Body of GET. */
export function getBody(pool: number, key: string): Buffer {
  const body = kvpBody(KvpOperation.get, pool);
  const text = utf16(key);
  body.writeUInt32LE(text.length, pair.keyBytes);
  put(body, pair.key, text, keyArea);
  return body;
}

/** Body of DELETE. */
export function deleteBody(pool: number, key: string, keyBytes?: number): Buffer {
  const body = kvpBody(KvpOperation.delete, pool);
  const text = utf16(key);
  body.writeUInt32LE(keyBytes ?? Math.min(text.length, keyArea), deleted.keyBytes);
  put(body, deleted.key, text, keyArea);
  return body;
}

/** Body of GET_IP_INFO and SET_IP_INFO. */
export function ipBody(operation: number, info: Partial<IpInfo>): Buffer {
  const body = kvpBody(operation, 0, ipMessageBytes);
  const texts = [
    [ip.adapter, info.adapter],
    [ip.addresses, info.addresses],
    [ip.subnets, info.subnets],
    [ip.gateways, info.gateways],
    [ip.nameServers, info.nameServers],
  ] as const;
  for (const [place, text] of texts) {
    put(body, place.offset, utf16(text ?? ""), place.bytes);
  }
  body.writeUInt8(info.family ?? 0, ip.family);
  body.writeUInt8(info.isDhcpEnabled === true ? 1 : 0, ip.dhcp);
  return body;
}

function textOf(body: Uint8Array, offset: number, bytes: number, most: number): string {
  if (bytes > most || bytes % 2 !== 0) {
    throw new GuestProtocolError(`a text of ${bytes} bytes in an area of ${most}`);
  }
  const area = body.subarray(offset, offset + bytes);
  if (bytes < 2 || area[bytes - 1] !== 0 || area[bytes - 2] !== 0) {
    throw new GuestProtocolError("a text without a terminator");
  }
  return fromUtf16(area);
}

/** The host's side of data exchange. */
export class KvpHost extends Component {
  constructor(channel: VmbusChannel) {
    super(channel, kvpDescription);
  }

  /** The item with an index. A status other than 0 is an answer, not an error. */
  async enumerate(
    pool: number,
    index: number,
    options: RequestOptions = {},
  ): Promise<EnumerateReply> {
    const reply = await this.request(enumerateBody(pool, index), options);
    const body = Buffer.from(reply.body);
    const valueType = body.readUInt32LE(enumerated.type);
    const keyBytes = body.readUInt32LE(enumerated.keyBytes);
    const valueBytes = body.readUInt32LE(enumerated.valueBytes);
    if (reply.status !== KvpStatus.ok) {
      return { ...reply, item: undefined, valueType, keyBytes, valueBytes };
    }
    const item = {
      key: textOf(body, enumerated.key, keyBytes, keyArea),
      value: textOf(body, enumerated.value, valueBytes, valueArea),
    };
    return { ...reply, item, valueType, keyBytes, valueBytes };
  }

  /**
   * All items of a pool, as a host reads them: from index 0 until "no more items".
   * @throws GuestProtocolError for any other status.
   */
  async list(pool: number, most = 100_000): Promise<KvpItem[]> {
    const items: KvpItem[] = [];
    while (items.length < most) {
      const { status, item } = await this.enumerate(pool, items.length);
      if (status === KvpStatus.noMoreItems) {
        return items;
      }
      if (item === undefined) {
        throw new GuestProtocolError(
          `status 0x${status.toString(16)} for item ${items.length} of pool ${pool}`,
        );
      }
      items.push(item);
    }
    return items;
  }

  /** The value of a key, where a host looks for it. */
  async get(
    pool: number,
    key: string,
    options: RequestOptions = {},
  ): Promise<Reply & { readonly value: string | undefined }> {
    const reply = await this.request(getBody(pool, key), options);
    if (reply.status !== KvpStatus.ok) {
      return { ...reply, value: undefined };
    }
    const valueBytes = Buffer.from(reply.body).readUInt32LE(pair.valueBytes);
    return { ...reply, value: textOf(reply.body, pair.value, valueBytes, valueArea) };
  }

  /** Sets text, a DWORD (number) or a QWORD (bigint). */
  set(
    pool: number,
    key: string,
    value: string | number | bigint,
    options: SetOptions = {},
  ): Promise<Reply> {
    return this.request(setBody(pool, key, value, options), options);
  }

  delete(pool: number, key: string, options: RequestOptions = {}): Promise<Reply> {
    return this.request(deleteBody(pool, key), options);
  }

  /** Asks for the network state of the adapter with a MAC ("00:15:5D:01:02:03"). */
  async getIpInfo(
    mac: string,
    family = 3,
    options: RequestOptions = {},
  ): Promise<Reply & { readonly info: IpInfo | undefined }> {
    const body = ipBody(KvpOperation.getIpInfo, { adapter: mac, family });
    const reply = await this.request(body, options);
    return { ...reply, info: reply.status === KvpStatus.ok ? decodeIp(reply.body) : undefined };
  }

  /** Asks the guest to configure the adapter with an id ("{f8615163-...}"). */
  setIpInfo(info: Partial<IpInfo>, options: RequestOptions = {}): Promise<Reply> {
    return this.request(ipBody(KvpOperation.setIpInfo, info), options);
  }
}

function decodeIp(body: Uint8Array): IpInfo {
  const text = (place: { offset: number; bytes: number }) =>
    fromUtf16(body.subarray(place.offset, place.offset + place.bytes));
  return {
    adapter: text(ip.adapter),
    family: body[ip.family] ?? 0,
    isDhcpEnabled: body[ip.dhcp] === 1,
    addresses: text(ip.addresses),
    subnets: text(ip.subnets),
    gateways: text(ip.gateways),
    nameServers: text(ip.nameServers),
  };
}
