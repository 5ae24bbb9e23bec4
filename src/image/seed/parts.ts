// Texts that a host puts into KVP pools under documented keys: whole, or in numbered
// parts as libhvee splits Ignition's configuration; with an encoding and a checksum.
//
//   NAME               the text, or
//   NAME.0, NAME.1 …   its parts, in this order
//   NAME.parts         how many parts there are (optional)
//   NAME.encoding      plain (the default), base64, or gzip+base64 (optional)
//   NAME.sha256        of the decoded text, in hexadecimal (optional)

import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";

/** The records of one pool by their keys. */
export type Records = ReadonlyMap<string, string>;

/** What a text may have when it is decoded; a compressed one cannot fill the memory. */
export const mostBytes = 8 * 1024 * 1024;

/** The host's keys do not make up a text; the message never tells a value. */
export class SeedError extends Error {
  override readonly name = "SeedError";
}

/** A text, and the keys that it was made of. */
export interface SeedText {
  readonly bytes: Uint8Array;
  readonly keys: readonly string[];
}

/**
 * The text called `name`, or undefined when the pool has no part of it.
 * @throws SeedError when a part is missing, it cannot be decoded, is too large, or
 * is another one than the checksum says.
 */
export function seedText(records: Records, name: string): SeedText | undefined {
  const keys = keysOf(records, name);
  if (keys.length === 0) {
    return undefined;
  }
  const encoded = keys.map((key) => records.get(key) ?? "").join("");
  const bytes = decoded(name, encoded, records.get(`${name}.encoding`) ?? "plain");
  const wanted = records.get(`${name}.sha256`)?.trim().toLowerCase();
  if (wanted !== undefined && wanted !== createHash("sha256").update(bytes).digest("hex")) {
    throw new SeedError(`'${name}' does not have the checksum of '${name}.sha256'`);
  }
  const about = ["parts", "encoding", "sha256"].map((word) => `${name}.${word}`);
  return { bytes, keys: [...keys, ...about.filter((key) => records.has(key))] };
}

/** The keys that hold the text, in order. */
function keysOf(records: Records, name: string): string[] {
  const numbers = [...records.keys()]
    .filter((key) => key.startsWith(`${name}.`))
    .map((key) => key.slice(name.length + 1))
    .filter((rest) => /^\d+$/.test(rest));
  const count = partCount(records, name) ?? (numbers.length > 0 ? numbers.length : undefined);
  if (count === undefined) {
    return records.has(name) ? [name] : [];
  }
  if (records.has(name)) {
    throw new SeedError(`there are both '${name}' and numbered parts of it`);
  }
  if (numbers.length > count) {
    throw new SeedError(`'${name}' has ${numbers.length} parts, and '${name}.parts' says ${count}`);
  }
  const keys = Array.from({ length: count }, (_, number) => `${name}.${number}`);
  const missing = keys.find((key) => !records.has(key));
  if (missing !== undefined) {
    throw new SeedError(`'${missing}' is missing`);
  }
  return keys;
}

function partCount(records: Records, name: string): number | undefined {
  const text = records.get(`${name}.parts`);
  if (text === undefined) {
    return undefined;
  }
  if (!/^[1-9]\d{0,4}$/.test(text.trim())) {
    throw new SeedError(`'${name}.parts' is not a number of parts`);
  }
  return Number(text);
}

function decoded(name: string, text: string, encoding: string): Uint8Array {
  switch (encoding.trim().toLowerCase()) {
    case "plain":
      return checked(name, Buffer.from(text));
    case "base64":
    case "b64":
      return checked(name, fromBase64(name, text));
    case "gzip+base64":
    case "gz+b64":
      return gunzipped(name, fromBase64(name, text));
    default:
      throw new SeedError(`'${name}.encoding' is none of plain, base64, gzip+base64`);
  }
}

function fromBase64(name: string, text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, "");
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(digits) || digits.length % 4 !== 0) {
    throw new SeedError(`'${name}' is not base64`);
  }
  return Buffer.from(digits, "base64");
}

function gunzipped(name: string, bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: mostBytes });
  } catch (error) {
    const tooLarge =
      error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    const fault = tooLarge ? `has more than ${mostBytes} bytes` : "is not gzip";
    throw new SeedError(`'${name}' ${fault}`, { cause: error });
  }
}

function checked(name: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length > mostBytes) {
    throw new SeedError(`'${name}' has more than ${mostBytes} bytes`);
  }
  return bytes;
}
