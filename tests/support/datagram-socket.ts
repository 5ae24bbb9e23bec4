// The receiving end of a Unix datagram socket, which Bun has not.

import { dlopen, ptr } from "bun:ffi";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;

export interface DatagramSocket {
  readonly path: string;
  /** What has been received and not yet taken. */
  readonly waiting: () => string[];
  readonly close: () => void;
}

/** A socket at `path`, or in a new directory; `@name` is an abstract one. */
export function datagramSocket(
  path = join(mkdtempSync(join(tmpdir(), "hvguest-socket-")), "socket"),
): DatagramSocket {
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const name = path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`;
  const address = Buffer.concat([Buffer.from(Uint16Array.of(AF_UNIX).buffer), Buffer.from(name)]);
  if (fd < 0 || libc.bind(fd, ptr(address), address.length) !== 0) {
    throw new Error(`bind '${path}'`);
  }
  const buffer = Buffer.alloc(64 * 1024);
  const next = () => {
    const length = Number(libc.recv(fd, ptr(buffer), BigInt(buffer.length), MSG_DONTWAIT));
    return length < 0 ? undefined : buffer.toString("utf8", 0, length);
  };
  return {
    path,
    waiting: () => {
      const texts: string[] = [];
      for (let text = next(); text !== undefined; text = next()) {
        texts.push(text);
      }
      return texts;
    },
    close: () => libc.close(fd),
  };
}
