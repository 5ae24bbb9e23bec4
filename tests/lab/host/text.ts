// UTF-16 text in areas of messages.

/** UTF-16LE of `text`, with a terminator unless told otherwise; lone surrogates stay. */
export function utf16(text: string, terminator = true): Uint8Array {
  const area = Buffer.alloc((text.length + (terminator ? 1 : 0)) * 2);
  for (let index = 0; index < text.length; index += 1) {
    area.writeUInt16LE(text.charCodeAt(index), index * 2);
  }
  return area;
}

/** The text of an area up to its NUL; lone surrogates stay. */
export function fromUtf16(area: Uint8Array): string {
  const buffer = Buffer.from(area);
  let text = "";
  for (let offset = 0; offset + 1 < buffer.length; offset += 2) {
    const unit = buffer.readUInt16LE(offset);
    if (unit === 0) {
      break;
    }
    text += String.fromCharCode(unit);
  }
  return text;
}

/** A GUID of text as the host writes it: the first three groups little endian. */
export function guidBytes(guid: string): Uint8Array {
  const hex = Buffer.from(guid.replaceAll(/[{}-]/g, ""), "hex");
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Buffer.from(order.map((from) => hex[from] ?? 0));
}
