import { expect, test } from "bun:test";
import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { choicesFor, InstallRefused } from "../../src/image/install.ts";
import { inRoot } from "../../src/image/root-path.ts";
import { uninstall } from "../../src/image/uninstall.ts";
import { imageRoot, installTo, tree } from "./image-root.ts";

const units = "/usr/lib/systemd/system";

test("an installation has the program, its names, the unit and its aliases, enabled", () => {
  const root = imageRoot();
  installTo(root);
  const image = tree(root);
  expect(image["/usr/sbin/hvguest"]).toBe(readFileSync("/bin/true", "latin1"));
  expect(lstatSync(`${root}/usr/sbin/hvguest`).mode & 0o7777).toBe(0o755);
  for (const name of ["hv_kvp_daemon", "hypervvssd", "hv_fcopy_uio_daemon", "lsvmbus"]) {
    expect(image[`/usr/sbin/${name}`]).toBe("-> hvguest");
  }
  for (const name of ["hv-kvp-daemon", "hv_kvp_daemon", "hypervkvpd", "hypervfcopyd"]) {
    expect(image[`${units}/${name}.service`]).toBe("-> hvguest.service");
  }
  expect(image["/etc/systemd/system/sysinit.target.wants/hvguest.service"]).toBe(
    `-> ${units}/hvguest.service`,
  );
  expect(image["/etc/cloud/cloud.cfg.d/99-hvguest.cfg"]).toBeUndefined();
  rmSync(root, { recursive: true });
});

test("a second installation changes nothing", () => {
  const root = imageRoot();
  installTo(root);
  const once = tree(root);
  const changes = installTo(root);
  expect(tree(root)).toEqual(once);
  expect(changes.filter(({ change }) => change !== "unchanged")).toEqual([]);
  rmSync(root, { recursive: true });
});

test("a dry run changes nothing and tells what an installation does", () => {
  const root = imageRoot();
  const told = installTo(root, { dryRun: true });
  expect(tree(root)).toEqual({});
  expect(told).toEqual(installTo(root));
  rmSync(root, { recursive: true });
});

test("uninstall leaves the image as it was before", () => {
  const root = imageRoot({
    "/etc/systemd/system/other.service": "x",
    "/usr/sbin/hv_kvp_daemon": "theirs",
    "/var/lib/dpkg/status": "",
    "/var/lib/dpkg/diversions": "/bin/a\n/bin/a.usrmerge\nbase-files\n",
  });
  const before = tree(root);
  installTo(root, { replace: true, cloudInit: true });
  uninstall({ root, purge: false, dryRun: false });
  expect(tree(root)).toEqual(before);
  expect(uninstall({ root, purge: false, dryRun: false })).toBeUndefined();
  rmSync(root, { recursive: true });
});

test("settings that were changed survive a new version and uninstall, but not a purge", () => {
  const root = imageRoot();
  installTo(root);
  const path = `${root}/etc/hvguest/hvguest.toml`;
  writeFileSync(path, "[log]\nlevel = 'debug'\n");
  const again = installTo(root, { executable: "/bin/false" });
  expect(again.find(({ path: changed }) => changed.endsWith("hvguest.toml"))?.change).toBe("kept");
  expect(again.find(({ path: changed }) => changed.endsWith("sbin/hvguest"))?.change).toBe(
    "replaced",
  );
  expect(readFileSync(path, "utf8")).toBe("[log]\nlevel = 'debug'\n");
  uninstall({ root, purge: false, dryRun: false });
  expect(readFileSync(path, "utf8")).toBe("[log]\nlevel = 'debug'\n");
  installTo(root);
  writeFileSync(`${root}/var/lib/hyperv/.kvp_pool_0`, "");
  uninstall({ root, purge: true, dryRun: false });
  expect(tree(root)["/var/lib/hyperv/.kvp_pool_0"]).toBeUndefined();
  rmSync(root, { recursive: true });
});

test("the distribution's own daemons stay where they are unless they are to be replaced", () => {
  const root = imageRoot({
    "/usr/sbin/hv_kvp_daemon": "theirs",
    [`${units}/hv-kvp-daemon.service`]: "theirs",
    "/var/lib/dpkg/status": "",
  });
  const kept = installTo(root).filter(({ change }) => change === "kept");
  expect(kept.map(({ path }) => path)).toEqual([
    "/usr/sbin/hv_kvp_daemon",
    `${units}/hv-kvp-daemon.service`,
  ]);
  installTo(root, { replace: true });
  const image = tree(root);
  expect(image["/usr/sbin/hv_kvp_daemon"]).toBe("-> hvguest");
  expect(image["/usr/sbin/hv_kvp_daemon.distrib"]).toBe("theirs");
  expect(image["/var/lib/dpkg/diversions"]).toBe(
    "/usr/sbin/hv_kvp_daemon\n/usr/sbin/hv_kvp_daemon.distrib\n:\n",
  );
  expect(image[`${units}/hv-kvp-daemon.service`]).toBe("theirs");
  expect(image["/etc/systemd/system/hv-kvp-daemon.service"]).toBe(`-> ${units}/hvguest.service`);
  rmSync(root, { recursive: true });
});

test("what was not chosen is turned off, and goes when it was there", () => {
  const root = imageRoot();
  installTo(root);
  installTo(root, { services: ["kvp"], names: ["linux"] });
  const image = tree(root);
  expect(image["/usr/sbin/hv_kvp_daemon"]).toBe("-> hvguest");
  expect(image["/usr/sbin/hypervkvpd"]).toBeUndefined();
  expect(image["/usr/sbin/hv_vss_daemon"]).toBeUndefined();
  expect(image["/etc/hvguest/hvguest.toml.d/10-services.toml"]).toBe(
    "[vss]\nenabled = false\n\n[fcopy]\nenabled = false\n",
  );
  rmSync(root, { recursive: true });
});

test("a unit for each service is enabled instead of the one when split", () => {
  const root = imageRoot();
  installTo(root, { split: true });
  const image = tree(root);
  expect(image["/etc/systemd/system/sysinit.target.wants/hvguest-kvp.service"]).toBeDefined();
  expect(image["/etc/systemd/system/multi-user.target.wants/hvguest-vss.service"]).toBeDefined();
  expect(image["/etc/systemd/system/sysinit.target.wants/hvguest.service"]).toBeUndefined();
  expect(image[`${units}/hv-vss-daemon.service`]).toBe("-> hvguest-vss.service");
  rmSync(root, { recursive: true });
});

test("a link with more steps up than there are folders ends at the image's root", () => {
  const root = imageRoot({ "/usr/x": "" });
  symlinkSync("../../../../../..", `${root}/usr/up`);
  symlinkSync("loop", `${root}/loop`);
  expect(inRoot(root, "/usr/up/etc/passwd")).toBe(`${root}/etc/passwd`);
  expect(inRoot(root, "/../../etc/passwd")).toBe(`${root}/etc/passwd`);
  expect(inRoot("", "/no/such/place")).toBe("/no/such/place");
  expect(() => inRoot(root, "/loop/x")).toThrow("too many links");
  rmSync(root, { recursive: true });
});

test("links of an image lead to places in the image", () => {
  const root = imageRoot();
  mkdirSync(`${root}/usr/bin`, { recursive: true });
  symlinkSync("/usr/bin", `${root}/usr/sbin`);
  installTo(root);
  expect(tree(root)["/usr/bin/hvguest"]).toBeDefined();
  expect(tree(root)["/usr/bin/hv_kvp_daemon"]).toBe("-> hvguest");
  rmSync(root, { recursive: true });
});

test("folders that are links of the image lead to folders in the image, also to missing ones", () => {
  // /tmp is there on the machine that runs this, and in the image it is not.
  const root = imageRoot({ "/data/x": "" });
  mkdirSync(`${root}/var/lib`, { recursive: true });
  mkdirSync(`${root}/etc`);
  symlinkSync("/data/hv", `${root}/var/lib/hyperv`);
  symlinkSync("/tmp", `${root}/etc/hvguest`);
  const before = tree(root);
  installTo(root);
  expect(lstatSync(`${root}/data/hv`).isDirectory()).toBe(true);
  expect(tree(root)["/tmp/hvguest.toml"]).toBeDefined();
  uninstall({ root, purge: false, dryRun: false });
  expect(tree(root)).toEqual(before);
  rmSync(root, { recursive: true });
});

test("an installation that fails half way goes on the next time, or is taken out again", () => {
  const link = "/etc/systemd/system/sysinit.target.wants/hvguest.service";
  // A folder that is not empty, at the temporary name of the link.
  const obstacle = `${link}.hvguest-new`;
  const root = imageRoot({ [`${obstacle}/x`]: "", "/usr/sbin/hv_kvp_daemon": "theirs" });
  const before = tree(root);
  expect(() => installTo(root, { replace: true, split: false })).toThrow();
  const half = tree(root);
  expect(half["/usr/sbin/hv_kvp_daemon"]).toBe("-> hvguest");
  uninstall({ root, purge: false, dryRun: false });
  expect(tree(root)).toEqual(before);

  expect(() => installTo(root, { replace: true })).toThrow();
  rmSync(root + obstacle, { recursive: true });
  const again = installTo(root);
  expect(again.filter(({ change }) => change === "kept")).toEqual([]);
  expect(tree(root)[link]).toBeDefined();
  rmSync(root, { recursive: true });
});

test("a daemon that could not be moved aside was not replaced: the next try may choose otherwise", () => {
  const obstacle = "/usr/sbin/hv_kvp_daemon.distrib";
  const root = imageRoot({ [`${obstacle}/x`]: "", "/usr/sbin/hv_kvp_daemon": "theirs" });
  expect(() => installTo(root, { replace: true })).toThrow();
  expect(choicesFor(root, {}).replace).toBeUndefined();
  expect(choicesFor(root, { replace: false }).replace).toBe(false);
  rmSync(root, { recursive: true });
});

test("nothing is written over the files of a package of hvguest", () => {
  const root = imageRoot({ "/usr/lib/hvguest/packaged": "deb\n" });
  const before = tree(root);
  expect(() => installTo(root)).toThrow(InstallRefused);
  expect(tree(root)).toEqual(before);
  rmSync(root, { recursive: true });
});

test("a package of hvguest keeps its files, also where hvguest was installed before", () => {
  const root = imageRoot();
  installTo(root);
  writeFileSync(`${root}/usr/lib/hvguest/packaged`, "deb\n");
  const before = tree(root);
  expect(() => uninstall({ root, purge: true, dryRun: false })).toThrow(InstallRefused);
  expect(tree(root)).toEqual(before);
  rmSync(root, { recursive: true });
});

test("uninstall puts no program back over another one that is there now", () => {
  const root = imageRoot({ "/usr/sbin/hv_kvp_daemon": "old", "/usr/sbin/hv_vss_daemon": "old" });
  installTo(root, { replace: true });
  rmSync(`${root}/usr/sbin/hv_kvp_daemon`);
  writeFileSync(`${root}/usr/sbin/hv_kvp_daemon`, "new");
  const told = uninstall({ root, purge: false, dryRun: true });
  expect(uninstall({ root, purge: false, dryRun: false })).toEqual(told);
  expect(told).toContainEqual({
    path: "/usr/sbin/hv_kvp_daemon.distrib",
    change: "kept",
    note: "'/usr/sbin/hv_kvp_daemon' is another program now",
  });
  expect(tree(`${root}/usr/sbin`)).toEqual({
    "/hv_kvp_daemon": "new",
    "/hv_kvp_daemon.distrib": "old",
    "/hv_vss_daemon": "old",
  });
  rmSync(root, { recursive: true });
});

test("OpenRC and System V images get their scripts, in their runlevels", () => {
  const root = imageRoot();
  installTo(root, { init: "openrc" });
  expect(tree(root)["/etc/runlevels/boot/hvguest"]).toBe("-> /etc/init.d/hvguest");
  installTo(root, { init: "sysvinit" });
  const image = tree(root);
  expect(image["/etc/runlevels/boot/hvguest"]).toBeUndefined();
  expect(image["/etc/rc2.d/S01hvguest"]).toBe("-> ../init.d/hvguest");
  expect(image[`${units}/hvguest.service`]).toBeUndefined();
  uninstall({ root, purge: true, dryRun: false });
  expect(tree(root)).toEqual({});
  rmSync(root, { recursive: true });
});

test("what was chosen stays so until something else is chosen", () => {
  const root = imageRoot({ "/usr/lib/systemd/system/hv-kvp-daemon.service": "theirs" });
  installTo(root, { services: ["kvp", "vss"], split: true, cloudInit: true, replace: true });
  const once = tree(root);
  expect(once["/etc/systemd/system/hv-kvp-daemon.service"]).toBeDefined();
  expect(installTo(root).filter(({ change }) => change !== "unchanged")).toEqual([]);
  expect(tree(root)).toEqual(once);
  installTo(root, { split: false, cloudInit: false, replace: false, services: ["vss"] });
  const other = tree(root);
  expect(other["/etc/systemd/system/sysinit.target.wants/hvguest.service"]).toBeDefined();
  expect(other["/etc/cloud/cloud.cfg.d/99-hvguest.cfg"]).toBeUndefined();
  expect(other["/etc/systemd/system/hv-kvp-daemon.service"]).toBeUndefined();
  expect(other["/etc/hvguest/hvguest.toml.d/10-services.toml"]).toContain("[kvp]");
  installTo(root);
  expect(tree(root)).toEqual(other);
  rmSync(root, { recursive: true });
});

test("units keep to lead to us while the distribution's programs are moved aside", () => {
  const root = imageRoot({
    "/usr/sbin/hv_kvp_daemon": "theirs",
    [`${units}/hv-kvp-daemon.service`]: "theirs",
  });
  installTo(root, { replace: true });
  // As a version wrote it that kept no choices.
  const list = `${root}/usr/lib/hvguest/installed.json`;
  writeFileSync(list, JSON.stringify({ ...JSON.parse(readFileSync(list, "utf8")), choices: 1 }));
  expect(installTo(root).filter(({ change }) => change !== "unchanged")).toEqual([]);
  expect(() => installTo(root, { replace: false })).toThrow(InstallRefused);
  expect(tree(root)["/etc/systemd/system/hv-kvp-daemon.service"]).toBeDefined();
  rmSync(root, { recursive: true });
});

test("what was disabled stays so", () => {
  const root = imageRoot();
  installTo(root);
  const link = "/etc/systemd/system/sysinit.target.wants/hvguest.service";
  // As systemctl does: the folder, too.
  rmSync(dirname(root + link), { recursive: true });
  for (const executable of ["/bin/false", "/bin/true"]) {
    const kept = installTo(root, { executable }).filter(({ change }) => change === "kept");
    expect(kept).toEqual([{ path: link, change: "kept", note: "off: it was disabled" }]);
    expect(tree(root)[`${dirname(link)}/`]).toBeUndefined();
  }
  installTo(root, { split: true });
  expect(tree(root)["/etc/systemd/system/sysinit.target.wants/hvguest-kvp.service"]).toBeDefined();
  uninstall({ root, purge: true, dryRun: false });
  expect(tree(root)).toEqual({});
  rmSync(root, { recursive: true });
});
