// The services that the guest's kernel answers itself: heartbeat, shutdown, time
// synchronisation (drivers/hv/hv_util.c). A test uses them to see that they still
// work beside our daemon.

import { Component, type Reply } from "./component.ts";
import { MessageType } from "./ic-message.ts";
import { utf16 } from "./text.ts";
import type { VmbusChannel } from "./vmbus-channel.ts";

const frameworks = [
  { major: 1, minor: 0 },
  { major: 3, minor: 0 },
];

/** Heartbeat: the guest answers each number with the next one. */
export class HeartbeatHost extends Component {
  constructor(channel: VmbusChannel) {
    super(channel, {
      type: MessageType.heartbeat,
      frameworks,
      messages: [
        { major: 1, minor: 0 },
        { major: 3, minor: 0 },
      ],
    });
  }

  /** Sends one beat; returns the sequence number of the answer. */
  async beat(sequence: bigint): Promise<bigint> {
    const body = Buffer.alloc(40);
    body.writeBigUInt64LE(sequence, 0);
    const reply = await this.request(body);
    return Buffer.from(reply.body).readBigUInt64LE(0);
  }
}

export const ShutdownFlag = {
  powerOff: 0,
  forcedPowerOff: 1,
  restart: 2,
  forcedRestart: 3,
  hibernate: 4,
  forcedHibernate: 5,
} as const;

/** Shutdown: power off, restart, hibernate. */
export class ShutdownHost extends Component {
  constructor(channel: VmbusChannel) {
    super(channel, {
      type: MessageType.shutdown,
      frameworks,
      messages: [
        { major: 1, minor: 0 },
        { major: 3, minor: 0 },
        { major: 3, minor: 1 },
        { major: 3, minor: 2 },
      ],
    });
  }

  /** Asks for a shutdown; the guest answers before it goes down. */
  shutDown(flags: number, message = "the host says good night"): Promise<Reply> {
    const body = Buffer.alloc(12 + 2048);
    body.writeUInt32LE(0x8000_0000, 0); // SHTDN_REASON_FLAG_PLANNED
    body.writeUInt32LE(120, 4);
    body.writeUInt32LE(flags, 8);
    body.set(utf16(message), 12);
    return this.request(body);
  }
}

export const TimesyncFlag = { probe: 0, sync: 1, sample: 2 } as const;

/** 100 ns units between 1601 and 1970. */
const windowsEpoch = 116_444_736_000_000_000n;

/** A time of ours as Windows counts it. */
export function windowsTime(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds)) * 10_000n + windowsEpoch;
}

/** Time synchronisation: sets the guest's clock (sync) or tells it the time (sample). */
export class TimesyncHost extends Component {
  constructor(channel: VmbusChannel) {
    super(channel, {
      type: MessageType.timesync,
      frameworks,
      messages: [
        { major: 1, minor: 0 },
        { major: 3, minor: 0 },
        { major: 4, minor: 0 },
      ],
    });
  }

  /** Tells the host's time (milliseconds since 1970); layout by the negotiated version. */
  async tell(flags: number, milliseconds = Date.now()): Promise<Reply> {
    const parentTime = windowsTime(milliseconds);
    if ((this.negotiated?.message.major ?? 0) >= 4) {
      const body = Buffer.alloc(24);
      body.writeBigUInt64LE(parentTime, 0);
      body.writeBigUInt64LE(await this.channel.referenceTime(), 8);
      body.writeUInt8(flags, 16);
      return this.request(body);
    }
    const body = Buffer.alloc(32);
    body.writeBigUInt64LE(parentTime, 0);
    body.writeUInt8(flags, 24);
    return this.request(body);
  }
}
