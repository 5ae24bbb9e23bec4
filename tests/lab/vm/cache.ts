// Where the parts of the lab are: QEMU and the guests, in a folder outside of the repository.

import { homedir } from "node:os";
import { join } from "node:path";

/** The lab's folder: `$HVLAB`, else `~/.cache/hvlab`. */
export const cacheDirectory =
  process.env["HVLAB"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "hvlab");

export const qemuPath =
  process.env["HVLAB_QEMU"] ?? join(cacheDirectory, "build/qemu-build/qemu-system-x86_64");

/** The guests that the recipes make. `gsys` is the one with systemd. */
export const guestNames = ["g61", "g612", "g7", "gsys"] as const;

export type GuestName = (typeof guestNames)[number];

/** The folder with the kernel and the initramfs of a guest. */
export function guestDirectory(name: GuestName): string {
  return join(cacheDirectory, "out", name);
}
