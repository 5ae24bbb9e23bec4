// The command line of install and uninstall, run from source with roots in temporary folders.

import { expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { hvguest, type Ended } from "../support/hvguest-source.ts";
import { imageRoot } from "./image-root.ts";

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

function install(root: string, ...options: string[]): Ended {
  return hvguest(["install", "--binary", "/bin/true", "--root", root, ...options]);
}
