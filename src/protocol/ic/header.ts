// The header of integration component messages on a ring: struct vmbuspipe_hdr and
// struct icmsg_hdr (tools/hv/vmbus_bufring.h, include/linux/hyperv.h).

import { padding, struct, u8, u16, u32, viewOf } from "../wire/struct.ts";

/** What a message is about (ICMSGTYPE_*); numbers without a name are answered by nobody. */
export const IcMessageType = { negotiate: 0, fcopy: 7 } as const;

const IcFlag = { transaction: 1, response: 4 } as const;

export const icHeader = struct("icmsg_hdr", {
  pipeFlags: u32,
  /** Bytes behind the pipe header; the kernel's driver does not look at it either. */
  pipeBytes: u32,
  frameworkMajor: u16,
  frameworkMinor: u16,
  type: u16,
  messageMajor: u16,
  messageMinor: u16,
  bodyBytes: u16,
  status: u32,
  transactionId: u8,
  flags: u8,
  _reserved: padding(2),
});

/** The flags of every answer. */
export const responseFlags = IcFlag.transaction | IcFlag.response;

/** Turns a request into its answer, in place: the host wants its own message back. */
export function answerInPlace(message: Uint8Array, status: number): Uint8Array {
  const view = viewOf(message);
  view.setUint32(icHeader.offsets.status, status, true);
  view.setUint8(icHeader.offsets.flags, responseFlags);
  return message;
}
