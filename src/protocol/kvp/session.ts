// One registration of a KVP daemon with the kernel: bytes to requests and back.

import type { Incoming, Session } from "../session.ts";
import type { Status } from "../status.ts";
import { viewOf, WireError } from "../wire/struct.ts";
import { cutText, decodeStrictUtf8, decodeUtf8, encodeUtf8 } from "../wire/text.ts";
import {
  KvpOperation,
  kvpDelete,
  kvpEnumerate,
  kvpHeader,
  kvpIpInfo,
  kvpMessageBytes,
  kvpRegister,
  kvpValue,
  maxKeyBytes,
  maxValueBytes,
  maxWireKeyUnits,
  maxWireValueUnits,
  poolCount,
  registryString,
} from "./messages.ts";
import type { KvpReply, KvpRequest } from "./request.ts";

/**
 * The daemon's end of /dev/vmbus/hv_kvp. The kernel puts no identifier into its
 * messages: a reply belongs to the request before it.
 */
export class KvpSession implements Session<KvpRequest, KvpReply> {
  readonly hello: Uint8Array = registration();
  #version: string | undefined;

  /** IntegrationServicesVersion, from the kernel's answer; undefined before it. */
  get version(): string | undefined {
    return this.#version;
  }

  receive(message: Uint8Array): Incoming<KvpRequest> {
    if (message.length !== kvpMessageBytes) {
      throw new WireError(`hv_kvp_msg: need ${kvpMessageBytes} bytes, got ${message.length}`);
    }
    const header = kvpHeader.decode(message);
    if (this.#version === undefined) {
      if (header.operation !== KvpOperation.register1) {
        throw new WireError(`hv_kvp_msg: need the answer to the registration, got a request`);
      }
      this.#version = decodeUtf8(kvpRegister.decode(message).version);
      return { kind: "ready" };
    }
    return { kind: "request", request: decodeRequest(header, message) };
  }

  reply(_request: KvpRequest, reply: KvpReply): Uint8Array {
    return encodeReply(reply);
  }

  fail(_request: KvpRequest, status: Status): Uint8Array {
    return encodeFailure(status);
  }
}

/** The message that fails any request. */
export function encodeFailure(status: Status): Uint8Array {
  const message = new Uint8Array(kvpMessageBytes);
  viewOf(message).setUint32(0, status, true);
  return message;
}

/** The kernel's message for an ENUMERATE, without the zeros that fill it up to its size. */
export function enumerateMessage(pool: number, index: number): Uint8Array {
  const message = new Uint8Array(kvpHeader.size + 4);
  kvpHeader.write(viewOf(message), 0, { operation: KvpOperation.enumerate, pool });
  viewOf(message).setUint32(kvpEnumerate.offsets.index, index, true);
  return message;
}

function registration(): Uint8Array {
  const message = new Uint8Array(kvpMessageBytes);
  kvpHeader.write(viewOf(message), 0, { operation: KvpOperation.register1, pool: 0 });
  return message;
}

function decodeRequest(
  header: { readonly operation: number; readonly pool: number },
  message: Uint8Array,
): KvpRequest {
  const { operation, pool } = header;
  switch (operation) {
    case KvpOperation.getIpInfo:
      return {
        operation: "getIpInfo",
        adapterId: decodeUtf8(kvpIpInfo.decode(message).adapterId),
      };
    case KvpOperation.setIpInfo:
      return decodeSetIpInfo(message);
    case KvpOperation.enumerate:
    case KvpOperation.get:
    case KvpOperation.set:
    case KvpOperation.delete:
      break;
    default:
      return refused("operation", `operation ${operation} is unknown`);
  }
  if (pool >= poolCount) {
    return refused("pool", `pool ${pool} does not exist`);
  }
  switch (operation) {
    case KvpOperation.enumerate:
      return { operation: "enumerate", pool, index: kvpEnumerate.decode(message).index };
    case KvpOperation.delete: {
      const { key: area, keySize } = kvpDelete.decode(message);
      return withText(area, keySize, maxKeyBytes, (key) => ({ operation: "delete", pool, key }));
    }
    case KvpOperation.get: {
      const { key: area, keySize } = kvpValue.decode(message);
      return withText(area, keySize, maxKeyBytes, (key) => ({ operation: "get", pool, key }));
    }
    default: {
      const { key: keyArea, keySize, value: valueArea, valueSize } = kvpValue.decode(message);
      return withText(keyArea, keySize, maxKeyBytes, (key) =>
        withText(valueArea, valueSize, maxValueBytes, (value) => ({
          operation: "set",
          pool,
          key,
          value,
        })),
      );
    }
  }
}

/**
 * The text of an area of which `size` bytes are in use, its NUL included. Size 0
 * is an empty text: what the kernel sends for a registry type that it does not know.
 */
function withText(
  area: Uint8Array,
  size: number,
  limit: number,
  use: (text: string) => KvpRequest,
): KvpRequest {
  if (size > limit) {
    return refused("size", `a text of ${size} bytes is longer than ${limit}`);
  }
  const used = area.subarray(0, size);
  if (used.length === limit && !used.includes(0)) {
    return refused("size", `a text of ${size} bytes has no terminator`);
  }
  const text = decodeStrictUtf8(used);
  return text === undefined ? refused("text", "a text is not UTF-8") : use(text);
}

function decodeSetIpInfo(message: Uint8Array): KvpRequest {
  const { adapterId, addressFamilies, dhcpEnabled, addresses, subnets, gateways, dnsServers } =
    kvpIpInfo.decode(message);
  return {
    operation: "setIpInfo",
    adapterId: decodeUtf8(adapterId),
    addressFamilies,
    dhcpEnabled: dhcpEnabled !== 0,
    addresses: decodeUtf8(addresses),
    subnets: decodeUtf8(subnets),
    gateways: decodeUtf8(gateways),
    dnsServers: decodeUtf8(dnsServers),
  };
}

function refused(
  reason: Extract<KvpRequest, { operation: "refused" }>["reason"],
  text: string,
): KvpRequest {
  return { operation: "refused", reason, text };
}

/** The message that answers any request. */
export function encodeReply(reply: KvpReply): Uint8Array {
  // The first four bytes, the status, stay 0.
  const message = new Uint8Array(kvpMessageBytes);
  switch (reply.kind) {
    case "done":
      break;
    case "item":
      writeItem(message, reply.key, reply.value);
      break;
    case "value":
      // The kernel takes the value of a GET from where an ENUMERATE has it
      // (kvp_respond_to_host, copy_value), not from where the request has it.
      writeItem(message, "", reply.value);
      break;
    case "ipInfo":
      kvpIpInfo.write(viewOf(message), 0, {
        adapterId: new Uint8Array(),
        addressFamilies: reply.addressFamilies,
        dhcpEnabled: reply.dhcpEnabled ? 1 : 0,
        addresses: encodeUtf8(reply.addresses),
        subnets: encodeUtf8(reply.subnets),
        gateways: encodeUtf8(reply.gateways),
        dnsServers: encodeUtf8(reply.dnsServers),
      });
      break;
  }
  return message;
}

function writeItem(message: Uint8Array, key: string, value: string): void {
  const keyBytes = encodeUtf8(cutText(key, { units: maxWireKeyUnits, bytes: maxKeyBytes - 1 }));
  const valueBytes = encodeUtf8(
    cutText(value, { units: maxWireValueUnits, bytes: maxValueBytes - 1 }),
  );
  kvpEnumerate.write(viewOf(message), 0, {
    index: 0,
    valueType: registryString,
    keySize: keyBytes.length + 1,
    valueSize: valueBytes.length + 1,
    key: keyBytes,
    value: valueBytes,
  });
}
