import { expect, test } from "bun:test";
import { DeadlineError } from "../vm/deadline.ts";
import { type Answer, acceptLast, FakeGuest } from "./fake-guest.ts";
import { FcopyHost, FcopyOperation } from "./fcopy.ts";
import { GuestProtocolError } from "./component.ts";
import { fuzzPacket } from "./fuzz.ts";
import { encodeMessage, encodeVersions, MessageType } from "./ic-message.ts";
import { TimesyncHost, windowsTime } from "./kernel-services.ts";
import { KvpHost, setBody, ValueType } from "./kvp.ts";
import { Random } from "./random.ts";
import { guidBytes } from "./text.ts";
import { VmbusChannel } from "./vmbus-channel.ts";
import { VssHost, VssOperation } from "./vss.ts";

const offer = encodeVersions([{ major: 3, minor: 0 }], [{ major: 4, minor: 0 }]);

/** A guest that negotiates and answers requests by `answer`. */
function polite(answer: Answer): Promise<FakeGuest> {
  return FakeGuest.listen((message) =>
    message.header.type === MessageType.negotiate ? acceptLast(message) : answer(message),
  );
}

async function kvpOf(guest: FakeGuest): Promise<KvpHost> {
  const channel = await VmbusChannel.connect(guest.path, "kvp");
  await channel.opened();
  return new KvpHost(channel);
}

test("a message has the bytes that hv_utils was seen to accept", () => {
  const packet = encodeMessage({ type: 0, framework: { major: 1, minor: 0 } }, offer);
  expect(Buffer.from(packet).toString("hex")).toBe(
    "010000002400000001000000000000000000100000000000000300000100010000000000" + "0300000004000000",
  );
});

test("a GUID is written with its first three groups little endian", () => {
  expect(Buffer.from(guidBytes("34d14be3-dee4-41c8-9ae7-6b174977c192")).toString("hex")).toBe(
    "e34bd134e4dec8419ae76b174977c192",
  );
});

test("frames that come in pieces of any size are put together", async () => {
  for (const chunk of [1, 3, 5, 24, 100]) {
    using guest = await polite(() => ({}));
    guest.chunk = chunk;
    const kvp = await kvpOf(guest);
    const negotiated = await kvp.negotiate();
    expect(negotiated).toEqual({
      framework: { major: 3, minor: 0 },
      message: { major: 5, minor: 0 },
    });
    kvp.channel.disconnect();
  }
});

test("a guest that chooses what was not offered, or nothing, breaks the protocol", async () => {
  const answers = [
    encodeVersions([{ major: 3, minor: 0 }], [{ major: 9, minor: 0 }]),
    encodeVersions([], []),
  ];
  for (const body of answers) {
    using guest = await FakeGuest.listen(() => ({ body }));
    const kvp = await kvpOf(guest);
    await expect(kvp.negotiate()).rejects.toBeInstanceOf(GuestProtocolError);
  }
});

test("a reply to another request, one without its flags, and silence are told apart", async () => {
  const odd: [Answer, new (text: string) => Error][] = [
    [({ header }) => ({ header: { ...header, flags: 5, transaction: 99 } }), GuestProtocolError],
    [({ header }) => ({ header: { ...header, flags: 1 } }), GuestProtocolError],
    [() => undefined, DeadlineError],
  ];
  for (const [answer, failure] of odd) {
    using guest = await polite(answer);
    const kvp = await kvpOf(guest);
    await kvp.negotiate();
    await expect(kvp.enumerate(2, 0, { milliseconds: 200 })).rejects.toBeInstanceOf(failure);
  }
});

test("a text without a terminator is not taken", async () => {
  using guest = await polite(({ body }) => {
    const answer = Buffer.from(body);
    answer.fill("x\0", 20, 532, "latin1");
    answer.writeUInt32LE(512, 12);
    answer.writeUInt32LE(2, 16);
    return { body: answer };
  });
  const kvp = await kvpOf(guest);
  await kvp.negotiate();
  await expect(kvp.enumerate(0, 0)).rejects.toBeInstanceOf(GuestProtocolError);
});

test("a status other than 0 is an answer", async () => {
  using guest = await polite(({ header }) => ({
    header: { ...header, flags: 5, status: 0x80070103 },
  }));
  const kvp = await kvpOf(guest);
  await kvp.negotiate();
  expect(await kvp.list(2)).toEqual([]);
  expect((await kvp.delete(0, "key")).status).toBe(0x80070103);
});

test("values have the type and size of what they are", () => {
  expect(setBody(0, "k", 7).readUInt32LE(4)).toBe(ValueType.dword);
  expect(setBody(0, "k", 7).readUInt32LE(12)).toBe(4);
  expect(setBody(0, "k", 7n).readUInt32LE(4)).toBe(ValueType.qword);
  expect(setBody(0, "k", "été").readUInt32LE(12)).toBe(8);
});

test("a file is copied by START, WRITE for each fragment, COMPLETE", async () => {
  using guest = await polite(() => ({}));
  const channel = await VmbusChannel.connect(guest.path, "fcopy");
  const fcopy = new FcopyHost(channel);
  await fcopy.negotiate();
  const copied = await fcopy.copy("/tmp/", "x", Buffer.alloc(6144 + 10, 1));
  expect(copied).toMatchObject({ status: 0, step: "complete", written: 6154 });
  const operations = guest.received.map(({ body }) => Buffer.from(body).readUInt32LE(0));
  expect(operations).toEqual([
    FcopyOperation.start,
    FcopyOperation.write,
    FcopyOperation.write,
    FcopyOperation.complete,
  ]);
  expect(guest.received.map(({ body }) => body.length)).toEqual([1088, 6196, 6196, 36]);
});

test("a checkpoint thaws when the snapshot fails", async () => {
  using guest = await polite(() => ({}));
  const channel = await VmbusChannel.connect(guest.path, "vss");
  const vss = new VssHost(channel);
  await vss.negotiate();
  const failing = vss.checkpoint(() => Promise.reject(new Error("no space for the snapshot")));
  await failing.catch(() => undefined);
  expect(guest.received.map(({ body }) => body[0])).toEqual([
    VssOperation.hotBackup,
    VssOperation.freeze,
    VssOperation.thaw,
  ]);
});

test("a time sample of version 3 has the layout of that version", async () => {
  using guest = await polite(() => ({}));
  const channel = await VmbusChannel.connect(guest.path, "timesync");
  const timesync = new TimesyncHost(channel);
  await timesync.negotiate({ messages: [{ major: 3, minor: 0 }] });
  await timesync.tell(2, 0);
  const body = Buffer.from(guest.received[0]?.body ?? []);
  expect(body.readBigUInt64LE(0)).toBe(windowsTime(0));
  expect(body.readUInt8(24)).toBe(2);
});

test("mad packets are the same for the same seed, and never a FREEZE", () => {
  const packets = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 3000 }, () => fuzzPacket(random, MessageType.vss));
  };
  expect(packets(7)).toEqual(packets(7));
  expect(packets(7)).not.toEqual(packets(8));
  for (const packet of packets(9)) {
    expect(packet[12] === MessageType.vss && packet[28] === VssOperation.freeze).toBe(false);
  }
});
