import { expect, test } from "bun:test";
import { answerNegotiation, versionText } from "../../../src/protocol/ic/negotiate.ts";
import { WireError } from "../../../src/protocol/wire/struct.ts";
import { forRandom } from "../../support/random.ts";

type Pair = readonly [number, number];

const offer = {
  frameworks: [
    { major: 3, minor: 0 },
    { major: 1, minor: 0 },
  ],
  messages: [{ major: 1, minor: 1 }],
};

/** A host's negotiation: 28 bytes of headers, the counts, the versions. */
function negotiation(
  frameworks: readonly Pair[],
  messages: readonly Pair[],
  counts: Pair = [frameworks.length, messages.length],
): Uint8Array {
  const versions = [...frameworks, ...messages];
  const bytes = Buffer.alloc(28 + 8 + Math.max(versions.length, 2) * 4);
  bytes.writeUInt16LE(bytes.length - 28, 18);
  bytes.writeUInt8(9, 24);
  bytes.writeUInt8(3, 25);
  bytes.writeUInt16LE(counts[0], 28);
  bytes.writeUInt16LE(counts[1], 30);
  versions.forEach(([major, minor], index) => {
    bytes.writeUInt16LE(major, 36 + 4 * index);
    bytes.writeUInt16LE(minor, 38 + 4 * index);
  });
  return new Uint8Array(bytes);
}

test("answers with the newest versions that both sides know, one of each", () => {
  const message = negotiation(
    [
      [1, 0],
      [3, 0],
    ],
    [
      [1, 0],
      [1, 1],
      [2, 0],
    ],
  );
  const { answer, versions } = answerNegotiation(message, offer);
  expect(versions).toEqual({
    framework: { major: 3, minor: 0 },
    message: { major: 1, minor: 1 },
  });
  const bytes = Buffer.from(answer);
  // Sizes, status and flags (transaction, response); the transaction's number stays.
  expect([bytes.readUInt16LE(18), bytes.readUInt32LE(20), bytes[24], bytes[25]]).toEqual([
    16, 0, 9, 5,
  ]);
  expect(bytes.subarray(28, 44).toString("hex")).toBe(
    "01000100" + "00000000" + "03000000" + "01000100",
  );
});

test("takes the older framework where the host knows no other", () => {
  const { versions } = answerNegotiation(negotiation([[1, 0]], [[1, 1]]), offer);
  expect(versions?.framework).toEqual({ major: 1, minor: 0 });
});

test.each([
  ["framework", negotiation([[2, 0]], [[1, 1]])],
  ["message", negotiation([[3, 0]], [[1, 0]])],
  ["framework at all", negotiation([], [[1, 1]])],
  ["message at all", negotiation([[3, 0]], [])],
])("without a common %s version the counts of the answer are 0", (_, message) => {
  const { answer, versions } = answerNegotiation(message, offer);
  expect(versions).toBeUndefined();
  const bytes = Buffer.from(answer);
  expect([bytes.readUInt16LE(28), bytes.readUInt16LE(30)]).toEqual([0, 0]);
  expect(bytes.readUInt32LE(20)).toBe(0x80004005);
});

test("a message version is not taken for a framework version", () => {
  expect(answerNegotiation(negotiation([[1, 1]], [[3, 0]]), offer).versions).toBeUndefined();
});

test("counts that the message has no room for, or beyond the limit, are refused", () => {
  for (const counts of [
    [3, 1],
    [1, 3],
    [65535, 65535],
    [101, 0],
    [0, 101],
  ] as const) {
    expect(() => answerNegotiation(negotiation([[3, 0]], [[1, 1]], counts), offer)).toThrow(
      WireError,
    );
  }
});

test("a message that is cut anywhere is refused, never answered beyond its end", () => {
  const whole = negotiation([[3, 0]], [[1, 1]]);
  for (let length = 28; length < whole.length; length += 1) {
    expect(() => answerNegotiation(whole.slice(0, length), offer)).toThrow(WireError);
  }
});

test("any bytes are answered in their own length, or refused", () => {
  forRandom("negotiation", 500, (random) => {
    const message = random.bytes(32 + random.below(60));
    message.set([random.below(6), 0, random.below(6), 0], 28);
    const { length } = message;
    try {
      expect(answerNegotiation(message, offer).answer.length).toBe(length);
    } catch (error) {
      expect(error).toBeInstanceOf(WireError);
    }
  });
});

test("a version is written as people say it", () => {
  expect(versionText({ major: 1, minor: 1 })).toBe("1.1");
});
