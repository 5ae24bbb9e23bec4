import { expect, test } from "bun:test";
import type { FileState, PreparedAnswer } from "../../../src/native/binding.ts";
import { kvpEnumerate, kvpHeader } from "../../../src/protocol/kvp/messages.ts";
import { decodeUtf8 } from "../../../src/protocol/wire/text.ts";
import { PreparedItems } from "../../../src/services/kvp/prepared-items.ts";
import type { PreparedAnswers } from "../../../src/transport/channel.ts";

const file: FileState = {
  path: "/pool",
  device: 1n,
  inode: 2n,
  size: 3n,
  modified: 4n,
  changed: 5n,
};

interface Added {
  readonly answers: readonly PreparedAnswer[];
  readonly file: FileState | undefined;
}

type Request = Parameters<PreparedItems["after"]>[0];

/** What is prepared after requests to pools of `count` records. */
function preparedAfterAll(requests: readonly Request[], count: number, isSettled = true): Added[] {
  const added: Added[] = [];
  const answers: PreparedAnswers = {
    add: (list, state) => void added.push({ answers: list, file: state }),
    forget: () => undefined,
    sent: () => 0,
  };
  const record = (at: number) =>
    at < count ? { key: `key${at}`, value: `value${at}` } : undefined;
  const items = new PreparedItems({
    answers,
    snapshot: () => (isSettled ? { file, record } : undefined),
    isWatched: (key) => key !== "FullyQualifiedDomainName",
    sources: {
      hostName: () => "vm",
      integrationServicesVersion: () => "3.1",
      addresses: () => ["10.0.0.2"],
      osName: () => "Linux",
      osVersion: () => "1",
      kernelRelease: () => "6.1.0-1",
      machine: () => "x86_64",
    },
  });
  for (const request of requests) {
    items.afterChange(request);
    items.after(request);
  }
  return added;
}

/** What is prepared after an enumeration of a pool of `count` records. */
function preparedAfter(pool: number, index: number, count: number, isSettled = true): Added[] {
  return preparedAfterAll([{ operation: "enumerate", pool, index }], count, isSettled);
}

function indexOf({ request }: PreparedAnswer): number {
  const message = new Uint8Array(kvpEnumerate.size);
  message.set(request);
  expect(kvpHeader.decode(message).operation).toBe(3);
  return kvpEnumerate.decode(message).index;
}

test("the records that follow are prepared, and the end of the pool", () => {
  const [added] = preparedAfter(0, 2, 4);
  expect(added?.file).toBe(file);
  expect(added?.answers.map(indexOf)).toEqual([2, 3, 4]);
  const statuses = added?.answers.map(({ answer }) => Buffer.from(answer).readUInt32LE(0));
  expect(statuses).toEqual([0, 0, 0x80070103]);
  const first = kvpEnumerate.decode(added?.answers[0]?.answer ?? new Uint8Array());
  expect([decodeUtf8(first.key), decodeUtf8(first.value)]).toEqual(["key2", "value2"]);
});

test("a large pool is prepared in parts", () => {
  const [added] = preparedAfter(1, 100, 1000);
  expect(added?.answers.map(indexOf).at(-1)).toBe(163);
});

test("nothing is prepared of a pool whose changes might go unnoticed", () => {
  expect(preparedAfter(0, 0, 4, false)).toEqual([]);
});

test("an intrinsic item is prepared when its changes are noticed", () => {
  expect(preparedAfter(2, 2, 0)).toHaveLength(1);
  expect(preparedAfter(2, 2, 0)[0]?.file).toBeUndefined();
  expect(preparedAfter(2, 0, 0)).toEqual([]);
});

test("the end of the intrinsic items is prepared", () => {
  expect(preparedAfter(2, 10, 0)).toHaveLength(1);
});

test("after a change a few records are prepared: the host looks whether it was taken", () => {
  const [added] = preparedAfterAll([{ operation: "set", pool: 0, key: "a", value: "1" }], 1000);
  expect(added?.answers.map(indexOf)).toEqual([0, 1, 2, 3]);
});

test("a change of the intrinsic pool's file prepares none of its records as intrinsic items", () => {
  for (const request of [
    { operation: "set", pool: 2, key: "OSName", value: "1" },
    { operation: "delete", pool: 2, key: "OSName" },
  ] as const) {
    expect(preparedAfterAll([request], 1000)).toEqual([]);
  }
});

test("a request that came while its answer was prepared prepares nothing, the next time it does", () => {
  const enumerate = (index: number): Request => ({ operation: "enumerate", pool: 0, index });
  const firsts = preparedAfterAll([enumerate(0), enumerate(1), enumerate(1)], 1000).map(
    ({ answers }) => answers.map(indexOf)[0],
  );
  expect(firsts).toEqual([0, 1]);
});
