// Key-value exchange under the fuzzer.

import { truncateSync } from "node:fs";
import { areaText } from "../fake-kernel/host-answer.ts";
import { KVP_MESSAGE_BYTES, KvpDriver, KvpOperation } from "../fake-kernel/kvp-driver.ts";
import { KvpHost, KvpLayout, kvpMessage } from "../fake-kernel/kvp-host.ts";
import type { Random } from "./random.ts";
import { disturb, type FuzzTarget, statusFault } from "./target.ts";

const canaryPool = 4;
/** So often another program empties the pools, lest they grow without end. */
const emptyEvery = 5000;

export const kvpTarget: FuzzTarget = {
  service: "kvp",
  offer: (bus) => bus.offerKvp(),
  message: (random) => {
    const message = nearlyRight(random);
    return random.once(4) ? disturb(message, random) : message;
  },
  mustAnswer: (message) => message.length === KVP_MESSAGE_BYTES,
  faultOf: (reply) => {
    if (reply.length !== KVP_MESSAGE_BYTES) {
      return `${reply.length} bytes`;
    }
    if (reply.readUInt32LE(0) !== 0) {
      return statusFault(reply);
    }
    // Where the driver takes texts from, whatever was asked.
    const { key, value } = KvpLayout.enumerate;
    const texts = [reply.subarray(key, key + 512), reply.subarray(value, value + 2048)];
    return texts.every((area) => area.includes(0) && areaText(area, 1024) !== undefined) ||
      isIpInfo(reply)
      ? undefined
      : "a text that is not UTF-8";
  },
  canary: async (driver, round) => {
    if (!(driver instanceof KvpDriver)) {
      throw new Error("not the driver of kvp");
    }
    if (round % emptyEvery === 0) {
      for (const pool of [0, 1, 2, 3]) {
        truncateSync(`/var/lib/hyperv/.kvp_pool_${pool}`);
      }
    }
    const host = new KvpHost(driver);
    const status = await host.set(canaryPool, "canary", String(round));
    const { body } = await host.get(canaryPool, "canary");
    if (status !== 0 || body !== String(round)) {
      throw new Error(`the canary of round ${round} is ${body}, status ${status.toString(16)}`);
    }
  },
};

/** Addresses fill the places of keys and values. */
function isIpInfo(reply: Buffer): boolean {
  return reply.readUInt8(KvpLayout.ip.family) !== 0;
}

function nearlyRight(random: Random): Buffer {
  if (random.once(300)) {
    return random.bytes(random.below(9000) + 1);
  }
  const operation = random.once(30) ? random.below(256) : random.pick([0, 1, 1, 2, 3, 3, 3, 4]);
  const pool = random.once(20) ? random.below(256) : random.below(4);
  const message = kvpMessage(operation, pool);
  const { exchange, enumerate, delete: remove, ip } = KvpLayout;
  const put = (text: Buffer, at: number, sizeAt: number) => {
    text.copy(message, at);
    message.writeUInt32LE(random.once(15) ? random.u32() : text.length + 1, sizeAt);
  };
  switch (operation) {
    case KvpOperation.enumerate:
      message.writeUInt32LE(random.once(3) ? random.u32() : random.below(60), enumerate.index);
      break;
    case KvpOperation.delete:
      put(random.text(512), remove.key, remove.keySize);
      break;
    case KvpOperation.get:
    case KvpOperation.set:
      put(random.text(512), exchange.key, exchange.keySize);
      put(random.text(2048), exchange.value, exchange.valueSize);
      message.writeUInt32LE(random.below(12), exchange.valueType);
      break;
    default:
      (random.once(2) ? Buffer.from("00:15:5D:01:02:03") : random.text(256)).copy(message, 4);
      message[ip.family] = random.below(256);
      break;
  }
  return message;
}
