// The host's side of key-value exchange over the fake driver: requests as
// drivers/hv/hv_kvp.c hands them to the daemon, replies as it hands them to the host.

import { areaText, HostStatus, replyOf } from "./host-answer.ts";
import { KVP_MESSAGE_BYTES, type KvpDriver, KvpOperation } from "./kvp-driver.ts";

/** struct hv_kvp_msg, offsets from include/uapi/linux/hyperv.h */
export const KvpLayout = {
  enumerate: { index: 4, keySize: 12, valueSize: 16, key: 20, value: 532 },
  exchange: { valueType: 4, keySize: 8, valueSize: 12, key: 16, value: 528 },
  delete: { keySize: 4, key: 8 },
  ip: {
    adapter: 4,
    family: 260,
    dhcp: 261,
    addresses: 262,
    subnets: 2310,
    gateways: 4358,
    dns: 5382,
    end: 7430,
  },
  keyBytes: 512,
  valueBytes: 2048,
} as const;

const KEY_UNITS = 254;
const VALUE_UNITS = 1022;
const REGISTRY_STRING = 1;

export interface KvpItem {
  readonly key: string;
  readonly value: string;
}

export interface IpInfo {
  readonly family: number;
  readonly dhcp: boolean;
  readonly addresses: string;
  readonly subnets: string;
  readonly gateways: string;
  readonly dns: string;
}

/** A reply: the status, and what came with status 0. */
export interface KvpAnswer<Body> {
  readonly status: number;
  readonly body?: Body;
}

/** An empty message of this operation on this pool. */
export function kvpMessage(operation: number, pool = 0): Buffer {
  const message = Buffer.alloc(KVP_MESSAGE_BYTES);
  message[0] = operation;
  message[1] = pool;
  return message;
}

export class KvpHost {
  readonly #driver: KvpDriver;

  constructor(driver: KvpDriver) {
    this.#driver = driver;
  }

  /** The daemon's reply to any message. @throws NoAnswer */
  async exchange(message: Buffer): Promise<Buffer> {
    return replyOf(await this.#driver.request(message));
  }

  async enumerate(pool: number, index: number): Promise<KvpAnswer<KvpItem>> {
    const request = kvpMessage(KvpOperation.enumerate, pool);
    request.writeUInt32LE(index, KvpLayout.enumerate.index);
    const reply = await this.exchange(request);
    const status = reply.readUInt32LE(0);
    return status === HostStatus.ok ? itemIn(reply) : { status };
  }

  /** Every item of a pool, as a host lists them. @throws Error on any other status than the end's. */
  async list(pool: number): Promise<KvpItem[]> {
    const items: KvpItem[] = [];
    for (;;) {
      const { status, body } = await this.enumerate(pool, items.length);
      if (status === HostStatus.noMoreItems) {
        return items;
      }
      if (body === undefined) {
        throw new Error(`enumerate ${items.length} of pool ${pool}: status ${status.toString(16)}`);
      }
      items.push(body);
    }
  }

  async set(pool: number, key: string, value: string): Promise<number> {
    return (
      await this.exchange(setMessage(pool, Buffer.from(key), Buffer.from(value)))
    ).readUInt32LE(0);
  }

  async delete(pool: number, key: string): Promise<number> {
    const request = kvpMessage(KvpOperation.delete, pool);
    const length = request.write(key, KvpLayout.delete.key);
    request.writeUInt32LE(length + 1, KvpLayout.delete.keySize);
    return (await this.exchange(request)).readUInt32LE(0);
  }

  /** The value, from where the driver takes it: the place of an enumeration's. */
  async get(pool: number, key: string): Promise<KvpAnswer<string>> {
    const request = kvpMessage(KvpOperation.get, pool);
    const length = request.write(key, KvpLayout.exchange.key);
    request.writeUInt32LE(length + 1, KvpLayout.exchange.keySize);
    const reply = await this.exchange(request);
    const status = reply.readUInt32LE(0);
    if (status !== HostStatus.ok) {
      return { status };
    }
    const value = areaText(reply.subarray(KvpLayout.enumerate.value), VALUE_UNITS);
    return value === undefined ? { status: HostStatus.fail } : { status, body: value };
  }

  /** The addresses of the adapter with this MAC address (`00:15:5D:…`). */
  async ipInfo(adapter: string, family = 3): Promise<KvpAnswer<IpInfo>> {
    const request = kvpMessage(KvpOperation.getIpInfo);
    request.write(adapter, KvpLayout.ip.adapter);
    request[KvpLayout.ip.family] = family;
    const reply = await this.exchange(request);
    const status = reply.readUInt32LE(0);
    return status === HostStatus.ok ? { status, body: ipInfoIn(reply) } : { status };
  }
}

export function setMessage(pool: number, key: Buffer, value: Buffer): Buffer {
  const request = kvpMessage(KvpOperation.set, pool);
  const { exchange } = KvpLayout;
  request.writeUInt32LE(REGISTRY_STRING, exchange.valueType);
  request.writeUInt32LE(key.length + 1, exchange.keySize);
  request.writeUInt32LE(value.length + 1, exchange.valueSize);
  key.copy(request, exchange.key, 0, KvpLayout.keyBytes);
  value.copy(request, exchange.value, 0, KvpLayout.valueBytes);
  return request;
}

function itemIn(reply: Buffer): KvpAnswer<KvpItem> {
  const { key: keyAt, value: valueAt } = KvpLayout.enumerate;
  const key = areaText(reply.subarray(keyAt, keyAt + KvpLayout.keyBytes), KEY_UNITS);
  const value = areaText(reply.subarray(valueAt, valueAt + KvpLayout.valueBytes), VALUE_UNITS);
  return key === undefined || value === undefined
    ? { status: HostStatus.fail }
    : { status: HostStatus.ok, body: { key, value } };
}

function ipInfoIn(reply: Buffer): IpInfo {
  const { ip } = KvpLayout;
  const list = (start: number, end: number) =>
    areaText(reply.subarray(start, end), (end - start) / 2) ?? "(not UTF-8)";
  return {
    family: reply[ip.family] ?? 0,
    dhcp: reply[ip.dhcp] !== 0,
    addresses: list(ip.addresses, ip.subnets),
    subnets: list(ip.subnets, ip.gateways),
    gateways: list(ip.gateways, ip.dns),
    dns: list(ip.dns, ip.end),
  };
}
