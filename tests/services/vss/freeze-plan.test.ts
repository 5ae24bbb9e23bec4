import { expect, test } from "bun:test";
import { type Mount, parseMounts } from "../../../src/platform/mounts.ts";
import { planFreeze } from "../../../src/services/vss/freeze-plan.ts";

interface Wishes {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** The file in which the file system of a mount point lies. */
  readonly files?: Readonly<Record<string, string>>;
}

/** The plan in words. */
function plan(mountinfo: string, { include, exclude = [], files = {} }: Wishes = {}) {
  const matches = (patterns: readonly string[]) => (path: string) =>
    patterns.some((pattern) => new Bun.Glob(pattern).match(path));
  const { steps, skipped, refused } = planFreeze(parseMounts(mountinfo), {
    isIncluded: matches(include ?? ["**"]),
    isExcluded: matches(exclude),
    backingFiles: ({ mountPoint }: Mount) => {
      const file = files[mountPoint];
      return file === undefined ? [] : [file];
    },
  });
  const told = (list: typeof skipped) =>
    Object.fromEntries(list.map(({ fileSystem, reason }) => [fileSystem.mount.mountPoint, reason]));
  return {
    steps: steps.map((step) => step.map(({ mount }) => mount.mountPoint)),
    skipped: told(skipped),
    refused: told(refused),
  };
}

const diskless = "1 0 0:2 / / rw - rootfs rootfs rw\n";
const ordinary = `\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
22 21 0:21 / /proc rw - proc proc rw
23 21 0:5 / /dev rw - devtmpfs udev rw
24 21 0:22 / /run rw - tmpfs tmpfs rw
25 21 8:2 / /boot/efi rw - vfat /dev/sda2 rw
26 21 8:17 / /data rw - xfs /dev/sdb1 rw
27 21 8:33 / /home rw - btrfs /dev/sdc1 rw
`;

test("disks are frozen side by side, the root alone and last", () => {
  expect(plan(ordinary).steps).toEqual([["/data", "/home"], ["/"]]);
});

test("what needs no freezing is skipped for a reason", () => {
  const { skipped, refused } = plan(`${ordinary}\
30 21 0:40 / /mnt/nfs rw - nfs4 server:/x rw
31 21 0:41 / /mnt/fuse rw - fuse.sshfs user@host: rw
32 21 8:49 / /mnt/ntfs rw - fuseblk /dev/sdd1 rw
33 21 0:42 / /mnt/merged rw - overlay overlay rw
34 21 7:0 / /snap/core ro - squashfs /dev/loop0 ro
35 21 11:0 / /mnt/cd ro - iso9660 /dev/sr0 ro
36 21 8:65 / /mnt/old rw - ext4 /dev/sde1 ro,errors=remount-ro
37 21 0:43 / /tank rw - zfs tank rw
38 21 0:44 / /misc rw - autofs /etc/auto.misc rw
`);
  expect(refused).toEqual({});
  expect(skipped).toEqual({
    "/proc": "on no disk",
    "/dev": "on no disk",
    "/run": "on no disk",
    "/boot/efi": "cannot be frozen, and holds boot files",
    "/mnt/nfs": "on the network",
    "/mnt/fuse": "written by a process (FUSE)",
    "/mnt/ntfs": "written by a process (FUSE)",
    "/mnt/merged": "made of other file systems",
    "/snap/core": "cannot change",
    "/mnt/cd": "cannot change",
    "/mnt/old": "read-only",
    "/tank": "cannot be frozen, and is consistent at any moment",
    "/misc": "mounts on demand",
  });
});

test("a file system that has to be frozen and cannot be is a reason to refuse", () => {
  const table = `${ordinary}30 21 8:49 / /mnt/stick rw - exfat /dev/sdd1 rw\n`;
  expect(plan(table).refused).toEqual({ "/mnt/stick": "exfat cannot be frozen" });
  expect(plan(table, { exclude: ["/mnt/*"] }).refused).toEqual({});
});

test("types that nobody has heard of, and bcachefs, are frozen when they are on a disk", () => {
  const table = `${diskless}\
30 1 8:49 / /new rw - newfs /dev/sdd1 rw
31 1 0:50 / /cache rw - bcachefs /dev/sde:/dev/sdf rw
`;
  expect(plan(table).steps).toEqual([["/new", "/cache"]]);
});

test("mounts of one file system are one, frozen through the shortest whole one", () => {
  const table = `\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
30 21 0:50 /@home /home rw - btrfs /dev/sdb1 rw,subvol=/@home
31 21 0:50 / /mnt/whole rw - btrfs /dev/sdb1 rw
32 21 8:1 /srv /mnt/srv rw - ext4 /dev/sda1 rw
33 21 0:50 /@ /b rw - btrfs /dev/sdb1 rw
`;
  expect(plan(table).steps).toEqual([["/mnt/whole"], ["/"]]);
});

test("a read-only mount of a writable file system is frozen", () => {
  const table = `${diskless}30 1 8:17 / /data ro - xfs /dev/sdb1 rw\n`;
  expect(plan(table).steps).toEqual([["/data"]]);
});

test("what lies below another mount cannot be reached", () => {
  const table = `\
21 1 8:1 / / rw - ext4 /dev/sda1 rw
30 21 8:17 / /srv/data rw - xfs /dev/sdb1 rw
31 21 0:22 / /srv rw - tmpfs tmpfs rw
`;
  expect(plan(table)).toMatchObject({
    steps: [["/"]],
    skipped: { "/srv/data": "hidden below another mount" },
  });
  const twice = `${table}32 21 8:17 / /again rw - xfs /dev/sdb1 rw\n`;
  expect(plan(twice).steps).toEqual([["/again"], ["/"]]);
});

test("patterns include and exclude by any mount point of a file system", () => {
  expect(plan(ordinary, { include: ["/data"] }).steps).toEqual([["/data"]]);
  expect(plan(ordinary, { exclude: ["/h*"] }).steps).toEqual([["/data"], ["/"]]);
  expect(plan(ordinary, { include: ["/data", "/"], exclude: ["/data"] }).steps).toEqual([["/"]]);
  const bound = `${ordinary}30 21 8:17 /x /mnt/x rw - xfs /dev/sdb1 rw\n`;
  expect(plan(bound, { exclude: ["/mnt/**"] }).steps).toEqual([["/home"], ["/"]]);
});

test("a file system in a file is frozen before the one that has the file", () => {
  const table = `${ordinary}\
30 21 7:0 / /mnt/inner rw - ext4 /dev/loop0 rw
31 21 7:1 / /mnt/innermost rw - ext4 /dev/loop1 rw
32 21 7:2 / /mnt/of-root rw - ext4 /dev/loop2 rw
`;
  const files = {
    "/mnt/inner": "/data/disk.img",
    "/mnt/innermost": "/mnt/inner/disk.img",
    "/mnt/of-root": "/var/disk.img (deleted)",
  };
  expect(plan(table, { files }).steps).toEqual([
    ["/mnt/innermost"],
    ["/mnt/inner", "/mnt/of-root"],
    ["/data", "/home"],
    ["/"],
  ]);
});

test("a root in a file comes before the file system that has the file", () => {
  const table = `\
21 1 7:0 / / rw - ext4 /dev/loop0 rw
30 21 8:1 / /host rw - ext4 /dev/sda1 rw
`;
  expect(plan(table, { files: { "/": "/host/root.img" } }).steps).toEqual([["/"], ["/host"]]);
});

test("a file on something that is not frozen itself may lie anywhere: it comes first", () => {
  const table = `${ordinary}\
30 21 0:42 / /merged rw - overlay overlay rw,upperdir=/mnt/inner/upper
31 21 7:0 / /mnt/inner rw - ext4 /dev/loop0 rw
32 21 7:1 / /mnt/on-overlay rw - ext4 /dev/loop1 rw
33 21 7:2 / /mnt/on-that rw - ext4 /dev/loop2 rw
`;
  const files = {
    "/mnt/inner": "/data/disk.img",
    "/mnt/on-overlay": "/merged/disk.img",
    "/mnt/on-that": "/mnt/on-overlay/disk.img",
  };
  expect(plan(table, { files }).steps).toEqual([
    ["/mnt/on-that"],
    ["/mnt/on-overlay"],
    ["/mnt/inner"],
    ["/data", "/home"],
    ["/"],
  ]);
});

test("memory that was mounted by the name of a disk is on no disk", () => {
  const table = `${diskless}30 1 0:50 / /mnt/memory rw - tmpfs /dev/sda1 rw\n`;
  expect(plan(table)).toMatchObject({ steps: [], skipped: { "/mnt/memory": "on no disk" } });
});

test("a circle, which cannot be, ends", () => {
  const table = `\
30 1 7:0 / /a rw - ext4 /dev/loop0 rw
31 1 7:1 / /b rw - ext4 /dev/loop1 rw
`;
  expect(
    plan(`21 1 8:1 / / rw - ext4 /dev/sda1 rw\n${table.replaceAll(" 1 7", " 21 7")}`, {
      files: { "/a": "/b/x", "/b": "/a/x" },
    }).steps.flat(),
  ).toHaveLength(3);
});

test("a machine without disks has nothing to freeze", () => {
  expect(plan(diskless).steps).toEqual([]);
  expect(plan("").steps).toEqual([]);
});
