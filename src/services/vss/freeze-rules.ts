// Which file systems are frozen for a backup. docs/vss.md shows this table.

import type { Mount } from "../../platform/mounts.ts";

/** What happens to a file system, and why. */
export type Verdict =
  | { readonly kind: "freeze" }
  /** The backup goes on without it. */
  | { readonly kind: "skip"; readonly reason: string }
  /** No consistent backup is possible. */
  | { readonly kind: "refuse"; readonly reason: string };

const skippedTypes: readonly [reason: string, types: readonly string[]][] = [
  [
    "on the network",
    ["nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "9p", "afs", "virtiofs", "lustre", "coda"],
  ],
  ["made of other file systems", ["overlay", "aufs", "ecryptfs", "unionfs"]],
  ["cannot change", ["squashfs", "erofs", "iso9660", "cramfs", "romfs"]],
  // Boot files: they change with the kernel alone.
  ["cannot be frozen, and holds boot files", ["vfat", "msdos"]],
  ["cannot be frozen, and is consistent at any moment", ["zfs"]],
  ["mounts on demand", ["autofs"]],
];

/** Linux implements no freezing for them. */
const refusedTypes = ["exfat", "ntfs3", "ntfs", "hfs", "hfsplus", "udf", "minix", "ufs", "affs"];

/** The rule for the file system of `mount`, before the configuration is asked. */
export function verdictOf(mount: Mount): Verdict {
  const { type, source, device, fileSystemOptions } = mount;
  if (type === "fuse" || type === "fuseblk" || type.startsWith("fuse.")) {
    return { kind: "skip", reason: "written by a process (FUSE)" };
  }
  const skipped = skippedTypes.find(([, types]) => types.includes(type));
  if (skipped !== undefined) {
    return { kind: "skip", reason: skipped[0] };
  }
  if (!source.startsWith("/dev/") && device.startsWith("0:")) {
    return { kind: "skip", reason: "on no disk" };
  }
  if (fileSystemOptions.includes("ro")) {
    return { kind: "skip", reason: "read-only" };
  }
  if (refusedTypes.includes(type)) {
    return { kind: "refuse", reason: `${type} cannot be frozen` };
  }
  return { kind: "freeze" };
}
