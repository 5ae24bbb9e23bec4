// C structs, declared once: the declaration gives offsets, size, type and both
// directions. Little-endian and packed, as all Hyper-V messages are. Reading copies.

/** The bytes are not the struct that they should be. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** A value of fixed size in a message. */
export interface Field<T> {
  readonly size: number;
  read(view: DataView, offset: number): T;
  write(view: DataView, offset: number, value: T): void;
}

export const u8: Field<number> = {
  size: 1,
  read: (view, offset) => view.getUint8(offset),
  write: (view, offset, value) => view.setUint8(offset, value),
};

export const u16: Field<number> = {
  size: 2,
  read: (view, offset) => view.getUint16(offset, true),
  write: (view, offset, value) => view.setUint16(offset, value, true),
};

export const u32: Field<number> = {
  size: 4,
  read: (view, offset) => view.getUint32(offset, true),
  write: (view, offset, value) => view.setUint32(offset, value, true),
};

export const u64: Field<bigint> = {
  size: 8,
  read: (view, offset) => view.getBigUint64(offset, true),
  write: (view, offset, value) => view.setBigUint64(offset, value, true),
};

/** `length` bytes, copied; a shorter value is padded with zeros. */
export function bytes(length: number): Field<Uint8Array> {
  return {
    size: length,
    read: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, length).slice(),
    write: (view, offset, value) => {
      if (value.length > length) {
        throw new WireError(`need at most ${length} bytes, got ${value.length}`);
      }
      const target = new Uint8Array(view.buffer, view.byteOffset + offset, length);
      target.fill(0);
      target.set(value);
    },
  };
}

/** Bytes without a meaning here: neither read nor written, so zero in a new buffer. */
export function padding(length: number): Field<undefined> {
  return { size: length, read: () => undefined, write: () => undefined };
}

// oxlint-disable-next-line typescript/no-explicit-any -- any field, whatever its type
type Members = Readonly<Record<string, Field<any>>>;

type ValueOfMembers<M extends Members> = {
  readonly [Name in keyof M as Name extends `_${string}` ? never : Name]: M[Name] extends Field<
    infer T
  >
    ? T
    : never;
};

/** A declared C struct; itself a field, so that structs nest. */
export interface Struct<M extends Members> extends Field<ValueOfMembers<M>> {
  /** The kernel's name of the struct. */
  readonly name: string;
  readonly offsets: { readonly [Name in keyof M]: number };
  /** @throws WireError when `buffer` is shorter than the struct. */
  decode(buffer: Uint8Array): ValueOfMembers<M>;
  /** A new buffer of exactly `size` bytes. */
  encode(value: ValueOfMembers<M>): Uint8Array;
}

/**
 * Declares a struct by its members in the order of the C header. Members whose
 * names begin with `_` are padding: absent from the type.
 */
export function struct<const M extends Members>(name: string, members: M): Struct<M> {
  const entries = Object.entries(members);
  const offsets: Record<string, number> = {};
  let size = 0;
  for (const [member, field] of entries) {
    offsets[member] = size;
    size += field.size;
  }
  const visible = entries.filter(([member]) => !member.startsWith("_"));
  const read = (view: DataView, offset: number) =>
    Object.fromEntries(
      visible.map(([member, field]) => [
        member,
        field.read(view, offset + (offsets[member] ?? 0)) as unknown,
      ]),
    ) as ValueOfMembers<M>;
  const write = (view: DataView, offset: number, value: ValueOfMembers<M>) => {
    const values = value as Record<string, unknown>;
    for (const [member, field] of visible) {
      field.write(view, offset + (offsets[member] ?? 0), values[member]);
    }
  };
  return {
    name,
    size,
    offsets: offsets as Struct<M>["offsets"],
    read,
    write,
    decode: (buffer) => {
      if (buffer.length < size) {
        throw new WireError(`${name}: need ${size} bytes, got ${buffer.length}`);
      }
      return read(viewOf(buffer), 0);
    },
    encode: (value) => {
      const buffer = new Uint8Array(size);
      write(viewOf(buffer), 0, value);
      return buffer;
    },
  };
}

/** A view of exactly the bytes of `buffer`. */
export function viewOf(buffer: Uint8Array): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
