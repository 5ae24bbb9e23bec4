import { expect, test } from "bun:test";
import { MountTree, parseMounts } from "../../src/platform/mounts.ts";

const mountinfo = `\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
22 21 0:21 / /proc rw,nosuid shared:2 master:1 - proc proc rw
23 21 8:17 / /data rw - xfs /dev/sdb1 rw,attr2
24 23 8:18 / /data/below rw - ext4 /dev/sdb2 rw
25 21 8:33 / /data rw - ext4 /dev/sdc1 rw
26 21 8:1 /srv/a\\040b /mnt/a\\040b rw - ext4 /dev/sda1 rw
27 25 8:33 / /data rw - ext4 /dev/sdc1 rw
`;
const mounts = parseMounts(mountinfo);
const tree = new MountTree(mounts);

test("a line of mountinfo is read with or without optional fields", () => {
  expect(mounts[0]).toEqual({
    id: 21,
    parentId: 1,
    device: "8:1",
    root: "/",
    mountPoint: "/",
    type: "ext4",
    source: "/dev/sda1",
    fileSystemOptions: ["rw", "errors=remount-ro"],
  });
  expect(mounts[2]?.type).toBe("xfs");
});

test("escaped characters of paths are what they stand for", () => {
  expect(mounts[5]).toMatchObject({ root: "/srv/a b", mountPoint: "/mnt/a b" });
});

test("a backslash in a name is not taken for the beginning of an escape", () => {
  const [mount] = parseMounts("1 0 8:1 / /a\\134040b\\012c rw - ext4 /dev/sda1 rw\n");
  expect(mount?.mountPoint).toBe("/a\\040b\nc");
});

test("lines that are no mounts are passed over", () => {
  expect(parseMounts("\n - \n1 2 3\n21 1 8:1 / / rw - ext4\n")).toEqual([]);
});

test("a path lies on the mount that is on top", () => {
  expect(tree.at("/")?.id).toBe(21);
  expect(tree.at("/etc/passwd")?.id).toBe(21);
  expect(tree.at("/proc/self")?.id).toBe(22);
  expect(tree.at("/data/x/y")?.id).toBe(27);
  expect(tree.at("/database")?.id).toBe(21);
  expect(tree.at("/mnt/a b/c")?.id).toBe(26);
});

test("a mount below another one is hidden, with all that is mounted on it", () => {
  expect(mounts.filter((mount) => tree.isVisible(mount)).map(({ id }) => id)).toEqual([
    21, 22, 26, 27,
  ]);
});

test("without mounts nothing is found", () => {
  expect(new MountTree([]).at("/")).toBeUndefined();
});

test("the root of a container has a parent that is not listed", () => {
  const [mount] = parseMounts("500 400 0:50 / / rw - overlay overlay rw\n");
  expect(mount && new MountTree([mount]).at("/x")).toBe(mount);
});
