// The structs of the file copy service (include/uapi/linux/hyperv.h), the same on
// the character device and on the ring; the names are UTF-8 there, UTF-16 here.

import { bytes, padding, struct, u32, u64 } from "../wire/struct.ts";

export const FcopyOperation = { start: 0, write: 1, complete: 2, cancel: 3 } as const;

export const FcopyFlag = { overWrite: 1, createPath: 2 } as const;

/** FCOPY_VERSION_1: what a daemon writes first, and the kernel's answer. */
export const fcopyVersion1 = 1;

/** DATA_FRAGMENT: most data of one WRITE_TO_FILE. */
export const fragmentBytes = 6 * 1024;

/** W_MAX_PATH UTF-16 units. */
const nameBytes = 260 * 2;

export const fcopyHeader = struct("hv_fcopy_hdr", {
  operation: u32,
  _serviceId0: padding(16),
  _serviceId1: padding(16),
});

export const startFcopy = struct("hv_start_fcopy", {
  _header: padding(fcopyHeader.size),
  fileName: bytes(nameBytes),
  pathName: bytes(nameBytes),
  copyFlags: u32,
  fileSize: u64,
});

/** The head of hv_do_fcopy; its data follow. */
export const doFcopy = struct("hv_do_fcopy", {
  _header: padding(fcopyHeader.size),
  _pad: padding(4),
  offset: u64,
  size: u32,
});
