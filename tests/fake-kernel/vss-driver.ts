// The backup service (drivers/hv/hv_snapshot.c).

import { Errno } from "./fuse-wire.ts";
import { ServiceDriver } from "./service-driver.ts";

/** sizeof(struct hv_vss_msg) */
export const VSS_MESSAGE_BYTES = 12;

export const VssOperation = {
  hotBackup: 2,
  freeze: 5,
  thaw: 6,
  register: 128,
  register1: 129,
} as const;

export class VssDriver extends ServiceDriver {
  readonly device = "hv_vss";

  override onMessage(message: Buffer): number {
    if (message.length !== VSS_MESSAGE_BYTES) {
      return Errno.EINVAL;
    }
    switch (message[0]) {
      case VssOperation.register:
        return this.hasRequest ? Errno.EINVAL : this.acceptRegistration(message, undefined);
      case VssOperation.register1: {
        const answer = Buffer.alloc(4);
        answer.writeUInt32LE(VssOperation.register1);
        return this.hasRequest ? Errno.EINVAL : this.acceptRegistration(message, answer);
      }
      default:
        return this.acceptReply(message);
    }
  }
}
