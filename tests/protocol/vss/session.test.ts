import { expect, test } from "bun:test";
import { Status } from "../../../src/protocol/status.ts";
import { VssSession, type VssRequest } from "../../../src/protocol/vss/session.ts";
import { WireError } from "../../../src/protocol/wire/struct.ts";

const request = (operation: number) => Uint8Array.of(operation, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const registration = Uint8Array.of(129, 0, 0, 0);

function registered(): VssSession {
  const session = new VssSession();
  session.receive(registration);
  return session;
}

function operationOf(bytes: Uint8Array): VssRequest {
  const incoming = registered().receive(bytes);
  if (incoming.kind !== "request") {
    throw new Error(`received ${incoming.kind}`);
  }
  return incoming.request;
}

test("registers with the operation that the kernel answers, in exactly 12 bytes", () => {
  expect(new VssSession().hello).toEqual(request(129));
});

test("is ready when the kernel has said the same version", () => {
  expect(new VssSession().receive(registration)).toEqual({ kind: "ready" });
});

test.each([
  ["another version", Uint8Array.of(128, 0, 0, 0)],
  ["a request", request(5)],
  ["nothing", new Uint8Array()],
  ["three bytes", registration.subarray(0, 3)],
])("%s is no answer to the registration", (_, message) => {
  expect(() => new VssSession().receive(message)).toThrow(WireError);
});

test("reads the operations that a kernel passes on", () => {
  expect(operationOf(request(2))).toEqual({ operation: "hotBackup" });
  expect(operationOf(request(5))).toEqual({ operation: "freeze" });
  expect(operationOf(request(6))).toEqual({ operation: "thaw" });
});

test("keeps the number of an operation that it does not know", () => {
  for (const number of [0, 1, 3, 4, 7, 8, 128, 129, 255]) {
    expect(operationOf(request(number))).toEqual({ operation: "unknown", number });
  }
});

test("what stands in reserved bytes and flags does not matter", () => {
  expect(operationOf(new Uint8Array(12).fill(0xff).fill(5, 0, 1))).toEqual({ operation: "freeze" });
});

test("a message of any other length is no message of this protocol", () => {
  const session = registered();
  for (let length = 0; length < 40; length += 1) {
    if (length !== 12) {
      expect(() => session.receive(new Uint8Array(length))).toThrow(
        new WireError(`hv_vss_msg: need 12 bytes, got ${length}`),
      );
    }
  }
});

test("an answer is a status in exactly 12 bytes", () => {
  const session = registered();
  expect(session.reply()).toEqual(new Uint8Array(12));
  expect(session.fail({ operation: "freeze" }, Status.fail)).toEqual(
    Uint8Array.of(0x05, 0x40, 0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0),
  );
});
