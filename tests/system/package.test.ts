import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildExecutable, executablePath } from "../../scripts/build.ts";
import { buildPackages } from "../../scripts/package.ts";
import { repository } from "../../scripts/process.ts";
import { DebianRoot } from "./debian-root.ts";

let deb = "";
let rpm = "";
let debian: DebianRoot;

beforeAll(() => {
  if (!existsSync(executablePath)) {
    buildExecutable();
  }
  [deb = "", rpm = ""] = buildPackages(["deb", "rpm", "tar"], true);
  debian = DebianRoot.make(["systemd", "udev", "hyperv-daemons", "rpm"]);
  copyFileSync(deb, join(debian.path, "hvguest.deb"));
  copyFileSync(rpm, join(debian.path, "hvguest.rpm"));
});

afterAll(() => debian[Symbol.dispose]());

test("lintian finds nothing in the .deb but what is overridden by name", () => {
  const { stdout } = Bun.spawnSync(["lintian", "--fail-on=error,warning", "--allow-root", deb]);
  expect(stdout.toString()).toBe("");
});

test("rpmlint finds nothing in the .rpm but what is filtered by name", () => {
  const config = join(repository, "packaging/rpm/hvguest.rpmlint.toml");
  const { stdout } = Bun.spawnSync(["rpmlint", "-c", config, rpm]);
  expect(stdout.toString()).toContain("0 errors, 0 warnings");
});

test("the checksums are those of the files", () => {
  const checked = Bun.spawnSync(["sha256sum", "--check", "--strict", "SHA256SUMS"], {
    cwd: join(deb, ".."),
  });
  expect(checked.exitCode).toBe(0);
  expect(checked.stdout.toString()).toContain(`${basename(rpm)}: OK`);
});

test("the bill of materials names what is in the executable and no tools", () => {
  const path = Array.from(new Bun.Glob("*.cdx.json").scanSync(join(deb, "..")))[0] ?? "";
  const { components } = JSON.parse(readFileSync(join(deb, "..", path), "utf8")) as {
    components: { name: string }[];
  };
  const names = components.map(({ name }) => name);
  expect(names).toContain("yargs");
  expect(names).toContain("napi");
  expect(names).not.toContain("typescript");
});

test("apt puts the package in the place of hyperv-daemons, enabled, and takes it out again", () => {
  const installed = debian.run("apt-get install -y --no-install-recommends /hvguest.deb");
  expect(installed.output).toContain("Removing hyperv-daemons");
  expect(installed.code).toBe(0);
  expect(debian.run("dpkg --purge hyperv-daemons").code).toBe(0);
  expect(debian.run("systemctl is-enabled hvguest.service").output).toBe("enabled\n");
  expect(debian.run("hvguest --version").output).toStartWith("hvguest ");
  expect(debian.run("readlink -f /usr/sbin/hv_kvp_daemon").output).toBe("/usr/sbin/hvguest\n");
  expect(debian.run("hvguest install").output).toContain("installed there as a package");
  expect(debian.run("dpkg --verify hvguest").output).toBe("");

  expect(debian.run("systemctl disable hvguest.service").code).toBe(0);
  expect(debian.run("dpkg -i /hvguest.deb").code).toBe(0);
  expect(debian.run("systemctl is-enabled hvguest.service").output).toBe("disabled\n");
  expect(debian.run("apt-get purge -y hvguest").code).toBe(0);

  const before = debian.tree();
  expect(debian.run("dpkg -i /hvguest.deb").code).toBe(0);
  expect(debian.run("apt-get remove -y hvguest").code).toBe(0);
  const left = debian.tree().filter((line) => !before.includes(line));
  expect(left.map((line) => line.split(" ")[0])).toEqual([
    "./etc/hvguest",
    "./etc/hvguest/hvguest.toml",
  ]);
  expect(debian.run("apt-get purge -y hvguest").code).toBe(0);
  expect(debian.tree()).toEqual(before);
});

test("rpm installs the package into a root, enabled, and takes it out again", () => {
  const before = debian.tree();
  expect(debian.run("rpm --force-debian -i --nodeps /hvguest.rpm")).toEqual({
    code: 0,
    output: "",
  });
  expect(debian.run("systemctl is-enabled hvguest.service").output).toBe("enabled\n");
  expect(debian.run("rpm -V --nodeps hvguest").output).toBe("");
  expect(debian.run("rpm -q --whatprovides hypervkvpd").output).toStartWith("hvguest-");
  expect(debian.run("rpm --force-debian -e hvguest")).toEqual({ code: 0, output: "" });
  // Folders that distributions of rpm own themselves may stay.
  const left = debian.tree().filter((line) => !before.includes(line));
  expect(left.filter((line) => / [fl] |hvguest/.test(line))).toEqual([]);
});
