// Extended attributes of files, for which Bun has no call.

import { dlopen, FFIType } from "bun:ffi";

const { cstring, pointer, u64, i32, i64 } = FFIType;

const libc = dlopen("libc.so.6", {
  setxattr: { args: [cstring, cstring, pointer, u64, i32], returns: i32 },
  getxattr: { args: [cstring, cstring, pointer, u64], returns: i64 },
}).symbols;

const text = (value: string) => Buffer.from(`${value}\0`);

/** @throws Error when the file system refuses it. */
export function set(path: string, name: string, value: string): void {
  const bytes = Buffer.from(value);
  if (libc.setxattr(text(path), text(name), bytes, bytes.length, 0) !== 0) {
    throw new Error(`set attribute '${name}' of '${path}'`);
  }
}

/** Undefined when the file does not have it. */
export function get(path: string, name: string): string | undefined {
  const bytes = Buffer.alloc(256);
  const length = Number(libc.getxattr(text(path), text(name), bytes, bytes.length));
  return length < 0 ? undefined : bytes.toString("utf8", 0, length);
}
