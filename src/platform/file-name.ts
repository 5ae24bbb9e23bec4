// Names of files, which Linux lets be any bytes, as texts.

/** The private code points that stand for the bytes 0x80 to 0xff (OPTU-8 of MirBSD). */
const firstRawByte = 0xef80;
const suspicious = /[\ufffd\uef80-\uefff]/;

/**
 * The text of `bytes`. A byte that is not UTF-8 becomes a private code point, which the
 * native module turns back when it opens a path (file_name.rs), so that no two names
 * share a text and every text leads to its file.
 */
export function textOfName(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString("utf8");
  return suspicious.test(text) ? escaped(bytes) : text;
}

function escaped(bytes: Uint8Array): string {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOf(bytes[at] ?? 0);
    const character = decoded(decoder, bytes.subarray(at, at + length));
    if (character === undefined || isRawByte(character)) {
      text += String.fromCharCode((firstRawByte & 0xff00) | (bytes[at] ?? 0));
      at += 1;
    } else {
      text += character;
      at += length;
    }
  }
  return text;
}

/** How many bytes the character has that begins with `lead`. */
function lengthOf(lead: number): number {
  if (lead < 0xc0) {
    return 1;
  }
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

function decoded(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // Not UTF-8: what the caller is here for.
    return undefined;
  }
}

/** A name that has such a code point itself is told by its bytes as well. */
function isRawByte(character: string): boolean {
  const code = character.charCodeAt(0);
  return code >= firstRawByte && code <= 0xefff;
}
