// What block devices are made of, by sysfs: partitions, device mapper and RAID, and
// at the bottom perhaps a loop device, that is a file on another file system.

import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { textOfName } from "./file-name.ts";
import type { Mount } from "./mounts.ts";
import type { Paths } from "./paths.ts";

/** Deeper stacks do not exist; it ends a walk through a broken sysfs. */
const maxDepth = 16;

/**
 * The files in which the file system of `mount` lies, directly or through other
 * devices; none when it lies on disks.
 */
export function backingFiles(mount: Mount, paths: Pick<Paths, "sys" | "dev">): readonly string[] {
  const files = new Set<string>();
  for (const directory of deviceDirectories(mount, paths)) {
    collect(directory, files, maxDepth);
  }
  return [...files];
}

/** The directories in sysfs of the devices that were mounted. */
function deviceDirectories(mount: Mount, { sys }: Pick<Paths, "sys" | "dev">): readonly string[] {
  if (!mount.device.startsWith("0:")) {
    return real(`${sys}/dev/block/${mount.device}`);
  }
  // btrfs and others that may lie on several devices have a number of their own.
  const names = mount.source.split(":").filter((name) => name.startsWith("/dev/"));
  const directories = names.flatMap((name) => real(`${sys}/dev/block/${numberOf(name)}`));
  const together = directories.flatMap((directory) => btrfsCompanions(directory, sys));
  return together.length > 0 ? together : directories;
}

/** All devices of the btrfs file system that has this one. */
function btrfsCompanions(directory: string, sys: string): readonly string[] {
  const name = basename(directory);
  for (const fileSystem of entries(`${sys}/fs/btrfs`)) {
    const devices = entries(`${sys}/fs/btrfs/${fileSystem}/devices`);
    if (devices.includes(name)) {
      return devices.flatMap((device) => real(`${sys}/fs/btrfs/${fileSystem}/devices/${device}`));
    }
  }
  return [];
}

function collect(directory: string, files: Set<string>, depth: number): void {
  if (depth === 0) {
    return;
  }
  const file = text(`${directory}/loop/backing_file`);
  if (file !== undefined) {
    files.add(file);
  }
  if (text(`${directory}/partition`) !== undefined) {
    collect(dirname(directory), files, depth - 1);
  }
  for (const name of entries(`${directory}/slaves`)) {
    for (const slave of real(`${directory}/slaves/${name}`)) {
      collect(slave, files, depth - 1);
    }
  }
}

function numberOf(path: string): string {
  try {
    const { rdev } = statSync(path);
    // makedev(3) for numbers below 4096 and 2^20.
    return `${(rdev >>> 8) & 0xfff}:${(rdev & 0xff) | ((rdev >>> 12) & 0xfff00)}`;
  } catch {
    // A name that is no longer there, such as /dev/root: found nowhere in sysfs.
    return "";
  }
}

function real(path: string): readonly string[] {
  try {
    return [realpathSync(path)];
  } catch {
    // The device is not there: it has no parts.
    return [];
  }
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Most devices have none of these directories.
    return [];
  }
}

function text(path: string): string | undefined {
  try {
    return textOfName(readFileSync(path)).replace(/\n$/, "");
  } catch {
    // Most devices have none of these attributes.
    return undefined;
  }
}
