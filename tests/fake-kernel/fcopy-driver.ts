// The file copy service of kernels before 6.10 (drivers/hv/hv_fcopy.c).

import { Errno } from "./fuse-wire.ts";
import { ServiceDriver } from "./service-driver.ts";

const REPLY_BYTES = 4;

export const FcopyVersion = { zero: 0, one: 1 } as const;

export class FcopyDriver extends ServiceDriver {
  readonly device = "hv_fcopy";

  override onMessage(message: Buffer): number {
    if (message.length !== REPLY_BYTES) {
      return Errno.EINVAL;
    }
    return this.isReady ? this.acceptReply(message) : this.#handshake(message);
  }

  #handshake(message: Buffer): number {
    const version = message.readUInt32LE();
    if (version === FcopyVersion.zero) {
      return this.acceptRegistration(message, undefined);
    }
    if (version !== FcopyVersion.one) {
      return Errno.EINVAL;
    }
    const answer = Buffer.alloc(REPLY_BYTES);
    answer.writeUInt32LE(FcopyVersion.one);
    return this.acceptRegistration(message, answer);
  }
}
