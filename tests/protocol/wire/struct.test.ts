import { expect, test } from "bun:test";
import {
  bytes,
  padding,
  struct,
  u16,
  u32,
  u64,
  u8,
  WireError,
} from "../../../src/protocol/wire/struct.ts";
import { forRandom } from "../../support/random.ts";

const inner = struct("inner", { low: u8, high: u16 });
const outer = struct("outer", {
  kind: u8,
  _reserved: padding(3),
  count: u32,
  size: u64,
  first: inner,
  second: inner,
  name: bytes(4),
});

type Outer = Parameters<typeof outer.encode>[0];

const value: Outer = {
  kind: 0x11,
  count: 0x22334455,
  size: 0x66778899aabbccddn,
  first: { low: 1, high: 0x0203 },
  second: { low: 4, high: 0x0506 },
  name: Uint8Array.of(0x61, 0x62, 0x63, 0x64),
};

const image = Buffer.from(
  "11" + "000000" + "55443322" + "ddccbbaa99887766" + "010302" + "040605" + "61626364",
  "hex",
);

test("offsets follow the order of the members, without gaps", () => {
  expect(outer.size).toBe(26);
  expect(outer.offsets).toEqual({
    kind: 0,
    _reserved: 1,
    count: 4,
    size: 8,
    first: 16,
    second: 19,
    name: 22,
  });
});

test("a value becomes the bytes of the C struct, and comes back from them", () => {
  expect(Buffer.from(outer.encode(value)).toString("hex")).toBe(image.toString("hex"));
  expect(outer.decode(image)).toEqual(value);
});

test("a change of one field changes the bytes of this field alone", () => {
  const changes: [Partial<Outer>, number[]][] = [
    [{ kind: 0xff }, [0]],
    [{ count: 0 }, [4, 5, 6, 7]],
    [{ size: 0n }, [8, 9, 10, 11, 12, 13, 14, 15]],
    [{ second: { low: 4, high: 0 } }, [20, 21]],
    [{ name: Uint8Array.of(0x61) }, [23, 24, 25]],
  ];
  for (const [change, changed] of changes) {
    const encoded = outer.encode({ ...value, ...change });
    expect([...encoded.keys()].filter((at) => encoded[at] !== image[at])).toEqual(changed);
  }
});

test("a struct that is cut short anywhere is refused with its name and both sizes", () => {
  for (let length = 0; length < image.length; length += 1) {
    expect(() => outer.decode(image.subarray(0, length))).toThrow(
      new WireError(`outer: need 26 bytes, got ${length}`),
    );
  }
});

test("bytes after the struct are left alone", () => {
  expect(outer.decode(Buffer.concat([image, Buffer.from("more")]))).toEqual(value);
});

test("a buffer inside a larger one is read at its own offset", () => {
  const whole = Buffer.concat([Buffer.from("before"), image]);
  expect(outer.decode(whole.subarray(6))).toEqual(value);
});

test("reading copies: a later change of the message is not seen", () => {
  const message = Uint8Array.from(image);
  const decoded = outer.decode(message);
  message.fill(0);
  expect(decoded.name).toEqual(value.name);
});

test("padding is zero in a new message, ignored when read, and absent from the value", () => {
  const dirty = Uint8Array.from(image);
  dirty.fill(0xee, 1, 4);
  expect(outer.decode(dirty)).toEqual(value);
  // @ts-expect-error -- members that begin with _ are not part of the type
  expect(outer.decode(dirty)._reserved).toBeUndefined();
});

test("a shorter value is padded with zeros, whatever was there before", () => {
  const message = new Uint8Array(4).fill(0xee);
  bytes(4).write(new DataView(message.buffer), 0, Uint8Array.of(1));
  expect([...message]).toEqual([1, 0, 0, 0]);
});

test("a value that is longer than its field is refused", () => {
  expect(() => outer.encode({ ...value, name: new Uint8Array(5) })).toThrow(
    new WireError("need at most 4 bytes, got 5"),
  );
});

test("any bytes of the right length decode, and encode to the same again", () => {
  forRandom("struct round trip", 500, (random) => {
    const message = random.bytes(outer.size);
    message.fill(0, 1, 4);
    expect(outer.encode(outer.decode(message))).toEqual(message);
  });
});
