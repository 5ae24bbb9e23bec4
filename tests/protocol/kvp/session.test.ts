import { expect, test } from "bun:test";
import type { KvpReply, KvpRequest } from "../../../src/protocol/kvp/request.ts";
import { KvpSession } from "../../../src/protocol/kvp/session.ts";
import { Status } from "../../../src/protocol/status.ts";
import { WireError } from "../../../src/protocol/wire/struct.ts";
import { forRandom } from "../../support/random.ts";

const messageBytes = 7432;
const operations = { get: 0, set: 1, delete: 2, enumerate: 3, getIpInfo: 4, setIpInfo: 5 };

/** A message with parts at their offsets; the offsets are those of <linux/hyperv.h>. */
function message(...parts: readonly [number, number | string | Uint8Array][]): Uint8Array {
  const bytes = Buffer.alloc(messageBytes);
  for (const [offset, part] of parts) {
    if (typeof part === "number") {
      bytes.writeUInt32LE(part, offset);
    } else {
      bytes.set(Buffer.from(part), offset);
    }
  }
  return new Uint8Array(bytes);
}

const header = (operation: number, pool = 0): [number, number] => [0, operation | (pool << 8)];

/** A SET as the kernel sends it: sizes count the terminator. */
function set(pool: number, key: string, value: string): Uint8Array {
  return message(
    header(operations.set, pool),
    [8, Buffer.byteLength(key) + 1],
    [12, Buffer.byteLength(value) + 1],
    [16, key],
    [528, value],
  );
}

function registered(): KvpSession {
  const session = new KvpSession();
  session.receive(message(header(100), [4, "3.1"]));
  return session;
}

function requestOf(bytes: Uint8Array): KvpRequest {
  const incoming = registered().receive(bytes);
  if (incoming.kind !== "request") {
    throw new Error(`received ${incoming.kind}`);
  }
  return incoming.request;
}

function reasonOf(bytes: Uint8Array): string {
  const request = requestOf(bytes);
  return request.operation === "refused" ? request.reason : request.operation;
}

function reply(value: KvpReply): Buffer {
  const request: KvpRequest = { operation: "enumerate", pool: 0, index: 0 };
  return Buffer.from(registered().reply(request, value));
}

test("registers as a daemon that knows IP injection, in a message of full size", () => {
  const hello = new KvpSession().hello;
  expect(hello).toEqual(message(header(100)));
});

test("takes the kernel's version from the answer to the registration", () => {
  const session = new KvpSession();
  expect(session.version).toBeUndefined();
  expect(session.receive(message(header(100), [4, "3.1"]))).toEqual({ kind: "ready" });
  expect(session.version).toBe("3.1");
});

test("a request before the answer to the registration is no message of this protocol", () => {
  expect(() => new KvpSession().receive(set(0, "a", "b"))).toThrow(WireError);
});

test("reads each operation from the offsets of the kernel's header", () => {
  expect(requestOf(set(1, "clé", "välue"))).toEqual({
    operation: "set",
    pool: 1,
    key: "clé",
    value: "välue",
  });
  expect(requestOf(message(header(operations.get, 2), [8, 4], [16, "key"]))).toEqual({
    operation: "get",
    pool: 2,
    key: "key",
  });
  expect(requestOf(message(header(operations.delete, 3), [4, 4], [8, "key"]))).toEqual({
    operation: "delete",
    pool: 3,
    key: "key",
  });
  expect(requestOf(message(header(operations.enumerate, 4), [4, 0xfffffffe]))).toEqual({
    operation: "enumerate",
    pool: 4,
    index: 0xfffffffe,
  });
  expect(requestOf(message(header(operations.getIpInfo), [4, "00:15:5D:01:02:03"]))).toEqual({
    operation: "getIpInfo",
    adapterId: "00:15:5D:01:02:03",
  });
  expect(
    requestOf(
      message(
        header(operations.setIpInfo),
        [4, "{adapter}"],
        [260, Uint8Array.of(3, 1)],
        [262, "10.0.0.2;fe80::2"],
        [2310, "255.0.0.0;64"],
        [4358, "10.0.0.1"],
        [5382, "10.0.0.3"],
      ),
    ),
  ).toEqual({
    operation: "setIpInfo",
    adapterId: "{adapter}",
    addressFamilies: 3,
    dhcpEnabled: true,
    addresses: "10.0.0.2;fe80::2",
    subnets: "255.0.0.0;64",
    gateways: "10.0.0.1",
    dnsServers: "10.0.0.3",
  });
});

test("a message of any other length is no message of this protocol", () => {
  const session = registered();
  for (let length = 0; length <= messageBytes + 1; length += 1) {
    if (length !== messageBytes) {
      expect(() => session.receive(new Uint8Array(length))).toThrow(
        new WireError(`hv_kvp_msg: need ${messageBytes} bytes, got ${length}`),
      );
    }
  }
});

test("a pool that does not exist is refused", () => {
  expect(requestOf(message(header(operations.enumerate, 200)))).toEqual({
    operation: "refused",
    reason: "pool",
    text: "pool 200 does not exist",
  });
  expect(reasonOf(set(5, "key", "value"))).toBe("pool");
  expect(reasonOf(set(4, "key", "value"))).toBe("set");
});

test("an unknown operation is refused, whatever its pool", () => {
  for (const operation of [6, 7, 99, 100, 255]) {
    expect(requestOf(message(header(operation, 200)))).toEqual({
      operation: "refused",
      reason: "operation",
      text: `operation ${operation} is unknown`,
    });
  }
});

test("sizes beyond the limits are refused, and those at the limits are not", () => {
  const sized = (keySize: number, valueSize: number) =>
    reasonOf(message(header(operations.set), [8, keySize], [12, valueSize], [16, "k"], [528, "v"]));
  expect(sized(512, 2048)).toBe("set");
  for (const size of [513, 0x7fffffff, 0x80000000, 0xffffffff]) {
    expect(sized(size, 2)).toBe("size");
  }
  for (const size of [2049, 0xffffffff]) {
    expect(sized(2, size)).toBe("size");
  }
  expect(reasonOf(message(header(operations.get), [8, 513]))).toBe("size");
  expect(reasonOf(message(header(operations.delete), [4, 513]))).toBe("size");
});

test("a text that fills its area has to end in it", () => {
  const key = (length: number) => "k".repeat(length);
  const value = (length: number) => "v".repeat(length);
  const filled = (keyLength: number, valueLength: number) =>
    reasonOf(
      message(
        header(operations.set),
        [8, 512],
        [12, 2048],
        [16, key(keyLength)],
        [528, value(valueLength)],
      ),
    );
  expect(filled(511, 2047)).toBe("set");
  expect(filled(512, 2047)).toBe("size");
  expect(filled(511, 2048)).toBe("size");
});

test("a text without a terminator ends where its size says", () => {
  expect(requestOf(message(header(operations.delete), [4, 3], [8, "keyrest"]))).toEqual({
    operation: "delete",
    pool: 0,
    key: "key",
  });
});

test("what stands after the terminator is not looked at", () => {
  expect(
    requestOf(
      message(header(operations.delete), [4, 6], [8, Buffer.from("key\0\xff\xff", "latin1")]),
    ),
  ).toEqual({ operation: "delete", pool: 0, key: "key" });
});

test("size 0 is an empty value: what the kernel sends for a type that it does not know", () => {
  expect(
    requestOf(message(header(operations.set), [8, 4], [12, 0], [16, "key"], [528, "rest"])),
  ).toEqual({ operation: "set", pool: 0, key: "key", value: "" });
});

test("a key or a value that is not UTF-8 is refused", () => {
  const bad = Uint8Array.of(0x61, 0xff, 0);
  const good = [16, "key"] as [number, string];
  expect(reasonOf(message(header(operations.set), [8, 3], [12, 2], [16, bad], [528, "v"]))).toBe(
    "text",
  );
  expect(reasonOf(message(header(operations.set), [8, 4], [12, 3], good, [528, bad]))).toBe("text");
  expect(reasonOf(message(header(operations.get), [8, 3], [16, bad]))).toBe("text");
  expect(reasonOf(message(header(operations.delete), [4, 3], [8, bad]))).toBe("text");
});

test("an item goes where the kernel looks for an ENUMERATE's answer", () => {
  expect(reply({ kind: "item", key: "clé", value: "välue" })).toEqual(
    Buffer.from(message([8, 1], [12, 5], [16, 7], [20, "clé"], [532, "välue"])),
  );
});

test("the value of a GET goes to the offset of an ENUMERATE, where the kernel looks for it", () => {
  expect(reply({ kind: "value", value: "välue" })).toEqual(
    Buffer.from(message([8, 1], [12, 1], [16, 7], [532, "välue"])),
  );
});

test("a done request is answered by a status alone", () => {
  expect(reply({ kind: "done" })).toEqual(Buffer.from(message()));
});

test("IP info goes to the offsets of the kernel's header", () => {
  expect(
    reply({
      kind: "ipInfo",
      addressFamilies: 3,
      dhcpEnabled: true,
      addresses: "10.0.0.2;fe80::2",
      subnets: "255.0.0.0;/64",
      gateways: "10.0.0.1;",
      dnsServers: "10.0.0.3;",
    }),
  ).toEqual(
    Buffer.from(
      message(
        [260, Uint8Array.of(3, 1)],
        [262, "10.0.0.2;fe80::2"],
        [2310, "255.0.0.0;/64"],
        [4358, "10.0.0.1;"],
        [5382, "10.0.0.3;"],
      ),
    ),
  );
});

test("a failure is answered by its status at the beginning, and nothing else", () => {
  const request: KvpRequest = { operation: "enumerate", pool: 0, index: 9 };
  expect(registered().fail(request, Status.noMoreItems)).toEqual(message([0, 0x80070103]));
});

test("texts for the host are cut to what the kernel passes on, between characters", () => {
  const long = reply({ kind: "item", key: "k".repeat(300), value: "v".repeat(3000) });
  expect([long.readUInt32LE(12), long.readUInt32LE(16)]).toEqual([254 + 1, 1022 + 1]);
  // 254 units would need 508 bytes for é; 511 bytes hold 255 of them.
  const wide = reply({ kind: "item", key: "é".repeat(300), value: "語".repeat(3000) });
  expect([wide.readUInt32LE(12), wide.readUInt32LE(16)]).toEqual([2 * 254 + 1, 3 * 682 + 1]);
  const pairs = reply({ kind: "item", key: `k${"🐧".repeat(200)}`, value: "" });
  expect(pairs.readUInt32LE(12)).toBe(1 + 4 * 126 + 1);
});

test("an empty item is two terminators", () => {
  expect(reply({ kind: "item", key: "", value: "" })).toEqual(
    Buffer.from(message([8, 1], [12, 1], [16, 1])),
  );
});

test("a change of one byte of a valid request gives another request or a refusal", () => {
  const valid = set(1, "key", "value");
  for (let at = 0; at < 600; at += 1) {
    const changed = Uint8Array.from(valid);
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    expect(typeof requestOf(changed).operation).toBe("string");
  }
});

test("any bytes are a request, a refusal or a WireError", () => {
  const session = registered();
  forRandom("kvp bytes", 300, (random) => {
    const length = random.pick([messageBytes, messageBytes, messageBytes, random.below(9000)]);
    const bytes = random.bytes(length);
    bytes[0] = random.below(8);
    bytes[1] = random.below(6);
    if (random.below(2) === 0) {
      // Small sizes, so that the texts are reached.
      bytes.fill(0, 5, 8).fill(0, 9, 12).fill(0, 14, 16);
    }
    try {
      const incoming = session.receive(bytes);
      expect(incoming.kind).toBe("request");
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
      expect(length).not.toBe(messageBytes);
    }
  });
});

test("what a host sets is what it reads back", () => {
  forRandom("kvp texts", 200, (random) => {
    const characters = ["a", "é", "語", "🐧"] as const;
    const text = (length: number) =>
      Array.from({ length }, () => random.pick<string>(characters)).join("");
    const [key, value] = [text(1 + random.below(100)), text(random.below(400))];
    expect(requestOf(set(0, key, value))).toEqual({ operation: "set", pool: 0, key, value });
    const item = reply({ kind: "item", key, value });
    const [keySize, valueSize] = [item.readUInt32LE(12), item.readUInt32LE(16)];
    expect(item.subarray(20, 20 + keySize).toString()).toBe(`${key}\0`);
    expect(item.subarray(532, 532 + valueSize).toString()).toBe(`${value}\0`);
  });
});
