import { expect, test } from "bun:test";
import type { FcopyRequest } from "../../../src/protocol/fcopy/request.ts";
import { DeviceFcopySession, RingFcopySession } from "../../../src/protocol/fcopy/session.ts";
import type { Versions } from "../../../src/protocol/ic/negotiate.ts";
import { Status } from "../../../src/protocol/status.ts";
import { WireError } from "../../../src/protocol/wire/struct.ts";
import { forRandom } from "../../support/random.ts";

const headerBytes = 28;
const complete: FcopyRequest = { operation: "complete" };

interface Start {
  readonly file: string;
  readonly path: string;
  readonly flags?: number;
  readonly size?: bigint;
}

/** START_FILE_COPY, at the offsets of <linux/hyperv.h>. */
function start(encoding: "utf8" | "utf16le", { file, path, flags = 0, size = 0n }: Start): Buffer {
  const body = Buffer.alloc(1088);
  body.write(file, 36, encoding);
  body.write(path, 556, encoding);
  body.writeUInt32LE(flags, 1076);
  body.writeBigUInt64LE(size, 1080);
  return body;
}

function write(offset: bigint, data: string, size = data.length): Buffer {
  const body = Buffer.alloc(52 + data.length);
  body.writeUInt32LE(1, 0);
  body.writeBigUInt64LE(offset, 40);
  body.writeUInt32LE(size, 48);
  body.write(data, 52);
  return body;
}

function operation(number: number): Buffer {
  const body = Buffer.alloc(36);
  body.writeUInt32LE(number, 0);
  return body;
}

/** A message on the ring: pipe header, IC header of type 7, body. */
function onRing(body: Buffer, type = 7): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16LE(type, 12);
  header.writeUInt8(42, 24);
  header.writeUInt8(3, 25);
  return new Uint8Array(Buffer.concat([header, body]));
}

function negotiation(message: readonly [number, number]): Uint8Array {
  const body = Buffer.alloc(16);
  body.writeUInt16LE(1, 0);
  body.writeUInt16LE(1, 2);
  body.writeUInt16LE(3, 8);
  body.writeUInt16LE(message[0], 12);
  body.writeUInt16LE(message[1], 14);
  return onRing(body, 0);
}

function device(): DeviceFcopySession {
  const session = new DeviceFcopySession();
  session.receive(Uint8Array.of(1, 0, 0, 0));
  return session;
}

function ring(): { session: RingFcopySession; negotiated: (Versions | undefined)[] } {
  const negotiated: (Versions | undefined)[] = [];
  const session = new RingFcopySession((versions) => negotiated.push(versions));
  session.receive(negotiation([1, 1]));
  return { session, negotiated };
}

function requestOf(
  session: DeviceFcopySession | RingFcopySession,
  message: Uint8Array,
): FcopyRequest {
  const incoming = session.receive(message);
  if (incoming.kind !== "request") {
    throw new Error(`received ${incoming.kind}`);
  }
  return incoming.request;
}

const onDevice = (body: Buffer) => requestOf(device(), new Uint8Array(body));

test("registers with version 1 on the device, and is ready at the kernel's answer", () => {
  const session = new DeviceFcopySession();
  expect(session.hello).toEqual(Uint8Array.of(1, 0, 0, 0));
  expect(session.receive(Uint8Array.of(1, 0, 0, 0))).toEqual({ kind: "ready" });
});

test("a request in the place of the kernel's answer is no message of this protocol", () => {
  expect(() => new DeviceFcopySession().receive(new Uint8Array(1088))).toThrow(WireError);
});

test("on the ring the host begins, and is told what both sides speak", () => {
  const { session, negotiated } = ring();
  expect(session.hello).toBeUndefined();
  expect(negotiated).toEqual([
    { framework: { major: 3, minor: 0 }, message: { major: 1, minor: 1 } },
  ]);
});

test("names are UTF-8 on the device and UTF-16 on the ring", () => {
  const names = { file: "été–🐧.txt", path: "/tmp/日本" };
  const wanted = {
    operation: "start",
    fileName: names.file,
    pathName: names.path,
    overWrite: true,
    createPath: true,
    fileSize: 0x1_0000_0001n,
  } as const;
  const rest = { flags: 3, size: 0x1_0000_0001n };
  expect(onDevice(start("utf8", { ...names, ...rest }))).toEqual(wanted);
  expect(requestOf(ring().session, onRing(start("utf16le", { ...names, ...rest })))).toEqual(
    wanted,
  );
});

test("each flag has its own bit, and unknown ones are passed over", () => {
  const flagsOf = (flags: number) => {
    const request = onDevice(start("utf8", { file: "a", path: "/b", flags }));
    return request.operation === "start" ? [request.overWrite, request.createPath] : request;
  };
  expect(flagsOf(1)).toEqual([true, false]);
  expect(flagsOf(2)).toEqual([false, true]);
  expect(flagsOf(0xfffffffc)).toEqual([false, false]);
});

test("names that are not Unicode are refused: none is made up", () => {
  const broken = start("utf8", { file: "", path: "/tmp/" });
  broken.set([0x61, 0xff], 36);
  expect(onDevice(broken).operation).toBe("refused");
  const lone = start("utf16le", { file: "a\ud83d", path: "/tmp/" });
  expect(requestOf(ring().session, onRing(lone)).operation).toBe("refused");
});

test("a path that the kernel's driver may have cut is refused, the longest ASCII one is not", () => {
  const operationOf = (path: string) =>
    onDevice(start("utf8", { file: "a".repeat(255), path })).operation;
  expect(operationOf(`/${"é".repeat(127)}`)).toBe("start");
  // Room for three bytes is left: too little for a character beyond the first plane.
  expect(operationOf(`/é${"a".repeat(253)}`)).toBe("refused");
  expect(operationOf(`/${"é".repeat(129)}`)).toBe("refused");
  expect(operationOf(`/${"a".repeat(258)}`)).toBe("start");
});

test("a refused request tells whether it is a START, on both transports", () => {
  const cut = start("utf8", { file: "a", path: `/${"é".repeat(129)}` });
  const badUtf8 = start("utf8", { file: "", path: "/b" });
  badUtf8.set([0x61, 0xff], 36);
  const badUtf16 = start("utf16le", { file: "a", path: "/b\ud83d" });
  const short = start("utf8", { file: "a", path: "/b" }).subarray(0, 1087);
  const isStart = { operation: "refused", isStart: true };
  for (const body of [cut, badUtf8, short]) {
    expect(onDevice(body)).toMatchObject(isStart);
  }
  for (const body of [badUtf16, short]) {
    expect(requestOf(ring().session, onRing(body))).toMatchObject(isStart);
  }
  const isOther = { operation: "refused", isStart: false };
  for (const body of [write(0n, "data", 5), operation(4)]) {
    expect(onDevice(body)).toMatchObject(isOther);
    expect(requestOf(ring().session, onRing(body))).toMatchObject(isOther);
  }
});

test("a path on the ring comes as the host has sent it, however many bytes it is as UTF-8", () => {
  for (const path of [`/${"é".repeat(127)}a`, `/tmp/${"日".repeat(84)}`, `/${"🐧".repeat(129)}`]) {
    expect(requestOf(ring().session, onRing(start("utf16le", { file: "a", path })))).toMatchObject({
      operation: "start",
      pathName: path,
    });
  }
});

test("a fragment carries its place and exactly its data", () => {
  expect(onDevice(write(0xffff_ffff_ffff_ffffn, "data"))).toEqual({
    operation: "write",
    offset: 0xffff_ffff_ffff_ffffn,
    data: new TextEncoder().encode("data"),
  });
  expect(onDevice(write(0n, "data and more", 4))).toMatchObject({
    data: new TextEncoder().encode("data"),
  });
  expect(onDevice(write(0n, ""))).toMatchObject({ operation: "write" });
});

test("a fragment that says more than it has, or than there may be, is refused", () => {
  expect(onDevice(write(0n, "data", 5)).operation).toBe("refused");
  expect(onDevice(write(0n, "data", 0xffffffff)).operation).toBe("refused");
  expect(onDevice(write(0n, "x".repeat(6144))).operation).toBe("write");
  expect(onDevice(write(0n, "x".repeat(6145))).operation).toBe("refused");
});

test("complete and cancel need nothing but their number; others are unknown", () => {
  expect(onDevice(operation(2))).toEqual({ operation: "complete" });
  expect(onDevice(operation(3))).toEqual({ operation: "cancel" });
  expect(onDevice(operation(4))).toEqual({
    operation: "refused",
    isStart: false,
    text: "operation 4 is unknown",
  });
});

test("a request that is cut anywhere is refused, on both transports", () => {
  const whole = start("utf8", { file: "a", path: "/b" });
  for (let length = 0; length < whole.length; length += 1) {
    expect(onDevice(whole.subarray(0, length)).operation).toBe("refused");
  }
  const { session } = ring();
  for (let length = 0; length < 52; length += 1) {
    const message = onRing(write(0n, "").subarray(0, length));
    expect(requestOf(session, message).operation).toBe("refused");
  }
});

test("an answer on the device is a status alone", () => {
  const session = device();
  expect(session.reply()).toEqual(new Uint8Array(4));
  expect(session.fail(complete, Status.alreadyExists)).toEqual(
    Uint8Array.of(0x50, 0x00, 0x07, 0x80),
  );
});

test("an answer on the ring is the host's own packet with status and flags", () => {
  const { session } = ring();
  const message = onRing(operation(2));
  const wanted = Buffer.from(message);
  wanted.writeUInt32LE(0x80070050, 20);
  wanted.writeUInt8(5, 25);
  requestOf(session, message);
  expect(Buffer.from(session.fail(complete, Status.alreadyExists))).toEqual(wanted);
  requestOf(session, onRing(operation(2)));
  wanted.writeUInt32LE(0, 20);
  expect(Buffer.from(session.reply())).toEqual(wanted);
});

test("a request before any negotiation is answered by a failure", () => {
  const session = new RingFcopySession(() => undefined);
  const incoming = session.receive(onRing(operation(2)));
  expect(incoming.kind).toBe("answer");
  const answer = incoming.kind === "answer" ? Buffer.from(incoming.message) : Buffer.alloc(28);
  expect(answer.readUInt32LE(20)).toBe(Status.fail);
});

test("a negotiation in the middle begins anew, also one that finds nothing in common", () => {
  const { session, negotiated } = ring();
  session.receive(negotiation([1, 1]));
  expect(negotiated).toHaveLength(2);
  session.receive(negotiation([9, 9]));
  expect(negotiated[2]).toBeUndefined();
  expect(session.receive(onRing(operation(2))).kind).toBe("answer");
  session.receive(negotiation([1, 1]));
  expect(requestOf(session, onRing(operation(2)))).toEqual(complete);
});

test("what has no header, or is of another service, is answered by nobody", () => {
  const { session } = ring();
  expect(session.receive(new Uint8Array(27)).kind).toBe("ignored");
  expect(session.receive(onRing(operation(2), 5)).kind).toBe("ignored");
});

test("a negotiation whose counts lie is answered, and changes nothing", () => {
  for (const body of [
    Buffer.alloc(0),
    Buffer.alloc(4),
    Buffer.from("0100010000000000", "hex"),
    Buffer.from("ffffffff00000000030000000100010000000000", "hex"),
  ]) {
    const { session, negotiated } = ring();
    const message = onRing(body, 0);
    const wanted = Buffer.from(message);
    wanted.writeUInt32LE(Status.fail, 20);
    wanted.writeUInt8(5, 25);
    wanted.fill(0, 28, body.length < 8 ? 28 : 32);
    const incoming = session.receive(message);
    expect(incoming).toMatchObject({ kind: "answer", complaint: expect.any(String) });
    expect(incoming.kind === "answer" && Buffer.from(incoming.message)).toEqual(wanted);
    expect(negotiated).toHaveLength(1);
    expect(requestOf(session, onRing(operation(2)))).toEqual(complete);
  }
});

test("any bytes are a request, an answer of their own length, or ignored", () => {
  const { session } = ring();
  forRandom("fcopy ring", 500, (random) => {
    const message = random.bytes(random.below(1200));
    if (message.length > 40 && random.below(2) === 0) {
      message.set([random.pick([0, 7]), 0], 12);
      message.set([random.below(5), 0, 0, 0], 28);
    }
    const { length } = message;
    const incoming = session.receive(message);
    if (incoming.kind === "answer") {
      expect(incoming.message.length).toBe(length);
    }
    if (incoming.kind === "request") {
      expect(session.reply().length).toBe(length);
    }
  });
});
