// The key-value service (drivers/hv/hv_kvp.c).

import { Errno } from "./fuse-wire.ts";
import { ServiceDriver } from "./service-driver.ts";

/** sizeof(struct hv_kvp_msg) */
export const KVP_MESSAGE_BYTES = 7432;

export const KvpOperation = {
  get: 0,
  set: 1,
  delete: 2,
  enumerate: 3,
  getIpInfo: 4,
  setIpInfo: 5,
  /** The registration of old daemons: the same number as getIpInfo, before the service is ready. */
  register: 4,
  register1: 100,
} as const;

const DRIVER_VERSION = "3.1";
const VERSION_OFFSET = 4;

export class KvpDriver extends ServiceDriver {
  readonly device = "hv_kvp";

  override onMessage(message: Buffer): number {
    if (message.length < KVP_MESSAGE_BYTES) {
      return Errno.EINVAL;
    }
    return this.isReady ? this.acceptReply(message) : this.#handshake(message);
  }

  #handshake(message: Buffer): number {
    const operation = message[0];
    if (operation !== KvpOperation.register && operation !== KvpOperation.register1) {
      return Errno.EINVAL;
    }
    const answer = Buffer.alloc(KVP_MESSAGE_BYTES);
    answer[0] = operation;
    answer.write(DRIVER_VERSION, VERSION_OFFSET);
    // The driver does not look at whether its answer could be queued.
    this.acceptRegistration(message, answer);
    return 0;
  }
}
