// Messages of /dev/vmbus/hv_vss (include/uapi/linux/hyperv.h, drivers/hv/hv_snapshot.c).

import { padding, struct, u8, u32 } from "../wire/struct.ts";

/** enum hv_vss_op, as far as a daemon sees or sends it. */
export const VssOperation = {
  hotBackup: 2,
  freeze: 5,
  thaw: 6,
  /** VSS_OP_REGISTER1: the registration that the kernel answers. */
  register1: 129,
} as const;

/** A request, and the registration. */
export const vssRequest = struct("hv_vss_msg", {
  operation: u8,
  _reserved: padding(7),
  flags: u32,
});

/** A reply: its status lies where the request has its operation. */
export const vssReply = struct("hv_vss_msg", {
  error: u32,
  _reserved: padding(8),
});

/** The kernel's answer to the registration (vss_handle_handshake). */
export const vssRegistered = struct("vss_register1 answer", { version: u32 });
