import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { backingFiles } from "../../src/platform/block-stack.ts";
import { parseMounts } from "../../src/platform/mounts.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

/** A sysfs with a disk, a loop device with a partition, and device mapper on both. */
function sysfs(): string {
  const root = temporaryRoot({
    "devices/sda/dev": "8:0\n",
    "devices/sda/sda1/partition": "1\n",
    "devices/loop0/loop/backing_file": "/srv/disk.img\n",
    "devices/loop0/loop0p1/partition": "1\n",
    "devices/loop1/loop/backing_file": "/srv/other disk.img (deleted)\n",
    "devices/dm-0/dm/name": "x\n",
    "devices/dm-1/dm/name": "y\n",
    "fs/btrfs/0000-1111/devinfo": "",
  });
  link(root, "dev/block/8:1", "devices/sda/sda1");
  link(root, "dev/block/7:0", "devices/loop0");
  link(root, "dev/block/259:0", "devices/loop0/loop0p1");
  link(root, "dev/block/253:0", "devices/dm-0");
  link(root, "dev/block/253:1", "devices/dm-1");
  link(root, "devices/dm-0/slaves/loop0p1", "devices/loop0/loop0p1");
  link(root, "devices/dm-1/slaves/dm-0", "devices/dm-0");
  link(root, "devices/dm-1/slaves/loop1", "devices/loop1");
  link(root, "devices/dm-1/slaves/sda1", "devices/sda/sda1");
  return root;
}

function link(root: string, path: string, target: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(join(root, target), join(root, path));
}

function filesOf(device: string): readonly string[] {
  const [mount] = parseMounts(`30 1 ${device} / /x rw - ext4 /dev/x rw\n`);
  return mount === undefined ? [] : backingFiles(mount, { sys: sysfs(), dev: "/dev" });
}

test("a file system on a disk lies in no file", () => {
  expect(filesOf("8:1")).toEqual([]);
});

test("a loop device, and a partition of one, lie in its file", () => {
  expect(filesOf("7:0")).toEqual(["/srv/disk.img"]);
  expect(filesOf("259:0")).toEqual(["/srv/disk.img"]);
});

test("device mapper lies in the files of all that it is made of, however deep", () => {
  expect(filesOf("253:0")).toEqual(["/srv/disk.img"]);
  expect(filesOf("253:1").toSorted()).toEqual(["/srv/disk.img", "/srv/other disk.img (deleted)"]);
});

test("a device that sysfs does not show lies in no file", () => {
  expect(filesOf("99:9")).toEqual([]);
  expect(filesOf("0:44")).toEqual([]);
});
