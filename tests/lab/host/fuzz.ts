// Packets of a host that has gone mad, from a seed. Most are near to good ones, as
// those find more than noise does.

import { startBody, writeBody } from "./fcopy.ts";
import { encodeMessage, MessageType } from "./ic-message.ts";
import { deleteBody, enumerateBody, getBody, ipBody, setBody } from "./kvp.ts";
import type { Random } from "./random.ts";
import { vssBody } from "./vss.ts";

/** Numbers at which sizes, indexes and counts break. */
const edges =
  "0 1 2 3 4 7 8 254 255 256 510 511 512 513 1022 2046 2047 2048 2049 2560 6144 7428 7432 32767 65535 2147483647 2147483648 4294967295"
    .split(" ")
    .map(Number);

const texts = ["", "key", "k".repeat(254), "é漢🙂", "\ud83d", "a\0b", "../../x", "%n%s", "\ufeff"];

function body(random: Random, type: number): Buffer {
  const pool = random.chance(70) ? random.below(5) : random.below(256);
  const key = random.pick(texts);
  if (type === MessageType.vss) {
    // Never FREEZE: what freezes is judged by scenarios of its own.
    return vssBody(random.pick([0, 1, 2, 3, 4, 6, 7, 8, 99, 128, 129, 255]), random.pick(edges));
  }
  if (type === MessageType.fcopy) {
    return random.chance(50)
      ? startBody({
          fileName: random.pick(["file", ...texts]),
          pathName: random.pick([
            "/tmp/fuzz/",
            "/tmp/fuzz/a/",
            "relative/",
            "/dev/full",
            "",
            "/tmp/fuzz",
          ]),
          flags: random.pick([0, 1, 2, 3, 255]),
          fileSize: BigInt(random.pick(edges)),
        })
      : writeBody(BigInt(random.pick(edges)), random.bytes(16), random.pick(edges));
  }
  return random.pick([
    () => enumerateBody(pool, random.pick(edges)),
    () => getBody(pool, key),
    () => setBody(pool, key, random.pick(texts), { keyBytes: random.pick(edges) }),
    () => setBody(pool, key, "value", { valueBytes: random.pick(edges), type: random.below(12) }),
    () => setBody(pool, key, random.pick(texts)),
    () => deleteBody(pool, key, random.pick(edges)),
    () => ipBody(4, { adapter: random.pick(["52:54:00:12:34:56", ...texts]) }),
    () =>
      ipBody(random.pick([5, 4]), {
        adapter: key,
        addresses: "192.0.2.1;x",
        family: random.below(256),
      }),
  ])();
}

/** One packet for a service: a request with some of its bytes or its header changed. */
export function fuzzPacket(random: Random, type: number): Uint8Array {
  const message = body(random, type);
  for (let changes = random.below(4); changes > 0; changes -= 1) {
    // The operation is left alone, so that no VSS packet becomes a FREEZE.
    const offset = 4 + random.below(Math.max(1, message.length - 4));
    message[Math.min(offset, message.length - 1)] = random.below(256);
  }
  const header = random.chance(80)
    ? {}
    : {
        type: random.pick([type, 0, 1, 3, 4, 6, 8, 255]),
        bodyBytes: random.below(65_536),
        pipeBytes: random.pick(edges),
        status: random.pick(edges),
        flags: random.below(256),
      };
  const transaction = 1 + random.below(255);
  const packet = encodeMessage(
    { type, message: { major: 4, minor: 0 }, transaction, ...header },
    message,
  );
  return random.chance(85) ? packet : packet.subarray(0, random.below(packet.length + 1));
}
