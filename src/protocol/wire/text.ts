// Text in messages and pool files: UTF-8 or UTF-16LE, ended by a NUL where it is
// shorter than its area.

const utf8 = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** The bytes of `area` before its first NUL. */
export function untilNul(area: Uint8Array): Uint8Array {
  const end = area.indexOf(0);
  return end < 0 ? area : area.subarray(0, end);
}

/** The text of a UTF-8 area; bytes that are not UTF-8 become U+FFFD. */
export function decodeUtf8(area: Uint8Array): string {
  return utf8Decoder.decode(untilNul(area));
}

/** The text of a UTF-8 area, or undefined when it is not UTF-8. */
export function decodeStrictUtf8(area: Uint8Array): string | undefined {
  try {
    return strictUtf8Decoder.decode(untilNul(area));
  } catch {
    return undefined;
  }
}

/** UTF-8 without a terminator; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return utf8.encode(text);
}

/** Limits of a text, both of which hold. */
export interface TextLimits {
  /** UTF-16 code units, as the kernel counts for the host. */
  readonly units?: number;
  /** UTF-8 bytes. */
  readonly bytes?: number;
}

/** The longest beginning of `text` within the limits that ends between code points. */
export function cutText(text: string, limits: TextLimits): string {
  const { units = Number.POSITIVE_INFINITY, bytes = Number.POSITIVE_INFINITY } = limits;
  if (text.length <= units && text.length * 3 <= bytes) {
    return text;
  }
  let usedUnits = 0;
  let usedBytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (usedUnits + character.length > units || usedBytes + size > bytes) {
      return text.slice(0, usedUnits);
    }
    usedUnits += character.length;
    usedBytes += size;
  }
  return text;
}

/** The longest beginning of `items` whose joined text stays within `units` UTF-16 units. */
export function cutList(items: readonly string[], units: number, separator = ";"): string[] {
  const kept: string[] = [];
  let used = 0;
  for (const item of items) {
    used += item.length + (kept.length > 0 ? separator.length : 0);
    if (used > units) {
      break;
    }
    kept.push(item);
  }
  return kept;
}

/** UTF-16LE text of an area up to its NUL; undefined for lone surrogates. */
export function decodeUtf16(area: Uint8Array): string | undefined {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const units: number[] = [];
  for (let offset = 0; offset + 1 < area.length; offset += 2) {
    const unit = view.getUint16(offset, true);
    if (unit === 0) {
      break;
    }
    units.push(unit);
  }
  const text = units.map((unit) => String.fromCharCode(unit)).join("");
  return text.isWellFormed() ? text : undefined;
}
