// The command line of install and uninstall, run from source with roots in temporary folders.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { hvguest, type Ended } from "../support/hvguest-source.ts";
import { imageRoot, tree } from "./image-root.ts";

const cloud = "/etc/cloud/cloud.cfg.d";

test("install --cloud-init names the files that set the list of sources after ours", () => {
  const root = imageRoot({
    [`${cloud}/90_dpkg.cfg`]: "datasource_list: [ NoCloud, Azure, None ]\n",
    [`${cloud}/99-installer.cfg`]: "# list:\ndatasource_list: [None]\n",
    [`${cloud}/99-other.cfg`]: "datasource:\n  None: {}\n",
    [`${cloud}/99-old.cfg.orig`]: "datasource_list: [None]\n",
  });
  const { status, stderr } = install(root, "--cloud-init");
  expect(status).toBe(0);
  expect(stderr).toContain(`'${cloud}/99-installer.cfg' sets datasource_list`);
  expect(stderr.split("\n").length).toBe(2);
  expect(existsSync(`${root}${cloud}/99-hvguest.cfg`)).toBe(true);
  expect(install(root, "--cloud-init", "--init", "none").stderr).toContain("99-installer.cfg");
  rmSync(root, { recursive: true });
});

test("a second installation needs no options, and says which ones it has from the first", () => {
  const root = imageRoot();
  install(root, "--services", "kvp", "--names", "none", "--init", "systemd", "--split");
  const once = tree(root);
  const { status, stdout, stderr } = install(root, "--names=none");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^unchanged: \d+\n$/);
  expect(stderr).toBe("as the last time: --services kvp --init systemd --split\n");
  const split = "/etc/systemd/system/sysinit.target.wants/hvguest-kvp.service";
  expect(once[split]).toBeDefined();
  expect(install(root, "--no-split").status).toBe(0);
  expect(tree(root)[split]).toBeUndefined();
  expect(install(root).stderr).toBe(
    "as the last time: --services kvp --names none --init systemd --no-split\n",
  );
  rmSync(root, { recursive: true });
});

test("uninstall leaves a package alone and says so in a line", () => {
  const root = imageRoot({ "/usr/lib/hvguest/packaged": "deb\n" });
  const { status, stderr } = uninstall(root);
  expect([status, stderr]).toEqual([
    1,
    "error: hvguest: hvguest is installed there as a package: remove the package\n",
  ]);
  rmSync(root, { recursive: true });
});

test("a link of the image to its own files of cloud-init is followed within the image", () => {
  const root = imageRoot({ "/data/x/zz.cfg": "'datasource_list': [None]\n" });
  mkdirSync(`${root}/etc/cloud`, { recursive: true });
  symlinkSync("/data/x", `${root}${cloud}`);
  expect(install(root, "--cloud-init").stderr).toContain(`'${cloud}/zz.cfg'`);
  expect(existsSync(`${root}/data/x/99-hvguest.cfg`)).toBe(true);
  rmSync(root, { recursive: true });
});

test.each(["{", "[]", '{"made": {"/etc": 1}, "moved": {}}'])(
  "a list of installed files that is %j stops both commands with a line",
  (text) => {
    const root = imageRoot({ "/usr/lib/hvguest/installed.json": text });
    for (const { status, stderr } of [install(root), uninstall(root)]) {
      expect(status).toBe(1);
      expect(stderr).toMatch(/^error: hvguest: '\S+\/installed.json' is [^\n]+\n$/);
    }
    rmSync(root, { recursive: true });
  },
);

test("what the system refuses is told in a line by both commands", () => {
  const root = imageRoot({ "/usr/sbin": "a file" });
  expect(install(root)).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^error: hvguest: ENOTDIR[^\n]+\n$/),
  });
  rmSync(`${root}/usr/sbin`);
  install(root);
  rmSync(`${root}/etc/hvguest`, { recursive: true });
  symlinkSync("hvguest", `${root}/etc/hvguest`);
  for (const { status, stderr } of [install(root), uninstall(root)]) {
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: hvguest: [^\n]+ links\n$/),
    ]);
  }
  rmSync(root, { recursive: true });
});

function install(root: string, ...options: string[]): Ended {
  return hvguest(["install", "--binary", "/bin/true", "--root", root, ...options]);
}

function uninstall(root: string, ...options: string[]): Ended {
  return hvguest(["uninstall", "--root", root, ...options]);
}
