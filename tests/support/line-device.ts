// A device that carries messages, made of a terminal: in canonical mode one line is
// one read, and the device hangs up when its other end is closed.

import { CString, dlopen, ptr } from "bun:ffi";
import { closeSync, readSync, writeSync } from "node:fs";

const { symbols: libc } = dlopen("libc.so.6", {
  openpty: { args: ["ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  ttyname: { args: ["i32"], returns: "ptr" },
});

export interface LineDevice {
  readonly path: string;
  /** Sends a line as the driver would a message; its newline is part of it. */
  readonly send: (line: string) => void;
  /** The next bytes written to the device; waits for them. */
  readonly receive: () => string;
  /** The device is removed. */
  readonly hangUp: () => void;
}

export function lineDevice(): LineDevice {
  const ends = new Int32Array(2);
  if (libc.openpty(ptr(ends, 0), ptr(ends, 4), null, null, null) !== 0) {
    throw new Error("openpty failed");
  }
  const [near = -1, device = -1] = ends;
  const name = libc.ttyname(device);
  if (name === null) {
    throw new Error("ttyname failed");
  }
  const path = new CString(name).toString();
  // Without echo, what is sent does not come back.
  Bun.spawnSync(["stty", "-echo", "-onlcr"], { stdin: device });
  const buffer = Buffer.alloc(8192);
  return {
    path,
    send: (line) => writeSync(near, line),
    receive: () => buffer.toString("utf8", 0, readSync(near, buffer)),
    hangUp: () => {
      closeSync(near);
      closeSync(device);
    },
  };
}
