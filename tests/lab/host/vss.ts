// Backup (volume checkpoint): the host's requests to freeze and thaw the file
// systems of a guest (struct hv_vss_msg of <linux/hyperv.h>, 12 bytes).

import { Component, type Reply, type RequestOptions } from "./component.ts";
import { MessageType } from "./ic-message.ts";
import type { VmbusChannel } from "./vmbus-channel.ts";

export const VssOperation = {
  create: 0,
  delete: 1,
  hotBackup: 2,
  getDiskInfo: 3,
  backupComplete: 4,
  freeze: 5,
  thaw: 6,
  autoRecover: 7,
} as const;

/** Flags of the answer to `hotBackup`: no auto recovery of the volumes (VSS_HBU_NO_AUTO_RECOVERY). */
export const vssNoAutoRecovery = 5;

/** A windows host that looks for the guest's ability to freeze offers these. */
export const vssDescription = {
  type: MessageType.vss,
  frameworks: [
    { major: 1, minor: 0 },
    { major: 3, minor: 0 },
  ],
  messages: [
    { major: 4, minor: 0 },
    { major: 5, minor: 0 },
    { major: 6, minor: 0 },
    { major: 7, minor: 0 },
  ],
};

/** The kernel waits 900 s for FREEZE; a host does not. */
const freezeMilliseconds = 90_000;

/** Body of a request; newer hosts send far more than 12 bytes (6,260 with a list of disks). */
export function vssBody(operation: number, flags = 0, bytes = 12): Buffer {
  const body = Buffer.alloc(Math.max(bytes, 12));
  body.writeUInt8(operation, 0);
  body.writeUInt32LE(flags, 8);
  return body.subarray(0, bytes);
}

/** A reply with the flags field of its body. */
export type VssReply = Reply & { readonly flags: number };

/** The host's side of backup. */
export class VssHost extends Component {
  constructor(channel: VmbusChannel) {
    super(channel, vssDescription);
  }

  /** Any operation. */
  async operate(
    operation: number,
    options: RequestOptions & { readonly flags?: number; readonly bytes?: number } = {},
  ): Promise<VssReply> {
    const reply = await this.request(vssBody(operation, options.flags, options.bytes), options);
    return { ...reply, flags: Buffer.from(reply.body).readUInt32LE(8) };
  }

  /** "Could you be frozen?": asked before each checkpoint. */
  check(options: RequestOptions = {}): Promise<VssReply> {
    return this.operate(VssOperation.hotBackup, options);
  }

  freeze(options: RequestOptions = {}): Promise<VssReply> {
    return this.operate(VssOperation.freeze, { milliseconds: freezeMilliseconds, ...options });
  }

  thaw(options: RequestOptions = {}): Promise<VssReply> {
    return this.operate(VssOperation.thaw, options);
  }

  /** Check, freeze, the host's snapshot (`during`), thaw; the order of a Windows host. */
  async checkpoint<T>(during: () => Promise<T>): Promise<{
    readonly check: VssReply;
    readonly freeze: VssReply;
    readonly thaw: VssReply;
    readonly result: T;
  }> {
    const check = await this.check();
    const freeze = await this.freeze();
    try {
      const result = await during();
      return { check, freeze, result, thaw: await this.thaw() };
    } catch (error) {
      await this.thaw();
      throw error;
    }
  }
}
