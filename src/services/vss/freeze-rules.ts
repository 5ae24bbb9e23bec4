// Which file systems are frozen for a backup. docs/vss.md shows this table.

import type { Mount } from "../../platform/mounts.ts";

/** What happens to a file system, and why. */
export type Verdict =
  | { readonly kind: "freeze" }
  /** The backup goes on without it. */
  | { readonly kind: "skip"; readonly reason: string }
  /** No consistent backup is possible. */
  | { readonly kind: "refuse"; readonly reason: string };

const onNetwork = [
  "nfs",
  "nfs4",
  "cifs",
  "smb3",
  "smbfs",
  "ceph",
  "9p",
  "afs",
  "virtiofs",
  "lustre",
  "coda",
];
const composed = ["overlay", "aufs", "ecryptfs", "unionfs"];

const skippedTypes: readonly [reason: string, types: readonly string[]][] = [
  ["on the network", onNetwork],
  ["made of other file systems", composed],
  ["cannot change", ["squashfs", "erofs", "iso9660", "cramfs", "romfs"]],
  // Boot files: they change with the kernel alone.
  ["cannot be frozen, and holds boot files", ["vfat", "msdos"]],
  ["cannot be frozen, and is consistent at any moment", ["zfs"]],
  ["mounts on demand", ["autofs"]],
  // Whatever name they were mounted by.
  ["on no disk", ["tmpfs", "ramfs", "devtmpfs", "hugetlbfs", "proc", "sysfs"]],
];

/** Linux implements no freezing for them. */
const refusedTypes = ["exfat", "ntfs3", "ntfs", "hfs", "hfsplus", "udf", "minix", "ufs", "affs"];

/** Whether what it holds lies on other file systems, which mountinfo does not tell. */
export function mayLieAnywhere({ type }: Mount): boolean {
  const opaque = [onNetwork, composed].some((types) => types.includes(type));
  return opaque || isFuse(type);
}

function isFuse(type: string): boolean {
  return type === "fuse" || type === "fuseblk" || type.startsWith("fuse.");
}

/** The rule for the file system of `mount`, before the configuration is asked. */
export function verdictOf(mount: Mount): Verdict {
  const { type, source, device, fileSystemOptions } = mount;
  if (isFuse(type)) {
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
