// Images that are made with hvguest as docs/images.md says: the examples of
// packaging/examples are run, in a Debian root, not only read.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildExecutable, executablePath } from "../../scripts/build.ts";
import { repository } from "../../scripts/process.ts";
import { DebianRoot } from "./debian-root.ts";

const examples = join(repository, "packaging/examples");
const kernel = "6.1.0-test";
let debian: DebianRoot;
let before: string[] = [];

function example(path: string): string {
  return readFileSync(join(examples, path), "utf8");
}

/** Runs a command that must succeed in the root. */
function run(command: string): string {
  const { code, output } = debian.run(command);
  expect({ command, code, output: code === 0 ? "" : output }).toEqual({
    command,
    code: 0,
    output: "",
  });
  return output;
}

/** Puts the executable to a place in the root. */
function place(path: string): void {
  mkdirSync(join(debian.path, path, ".."), { recursive: true });
  copyFileSync(executablePath, join(debian.path, path));
}

/** Runs a script of several lines in the root. */
function runScript(text: string): string {
  writeFileSync(join(debian.path, "script"), text);
  const output = run("sh -e /script");
  run("rm /script");
  return output;
}

beforeAll(() => {
  if (!existsSync(executablePath)) {
    buildExecutable();
  }
  debian = DebianRoot.make(["systemd", "udev", "initramfs-tools", "dracut-core", "zstd"]);
  mkdirSync(join(debian.path, "usr/lib/modules", kernel), { recursive: true });
  run(`depmod ${kernel} && echo CONFIG_RD_GZIP=y >/boot/config-${kernel}`);
  before = debian.tree();
}, 600_000);

afterAll(() => debian[Symbol.dispose]());

test("an image gets everything from outside, with the unit enabled and right, and loses it again", () => {
  const install = Bun.spawnSync([executablePath, "install", "--root", debian.path, "--json"]);
  expect(install.exitCode).toBe(0);
  expect(JSON.parse(install.stdout.toString())).toMatchObject({ root: debian.path });
  expect(run("systemctl is-enabled hvguest.service")).toBe("enabled\n");
  expect(run("systemctl is-enabled hypervkvpd.service 2>&1")).toBe("alias\n");
  expect(
    run(
      "systemd-analyze verify --man=no hvguest.service hvguest-kvp.service hvguest-vss.service hvguest-fcopy.service hvguest-seed.service 2>&1",
    ),
  ).toBe("");
  expect(run("hv_kvp_daemon --help")).toStartWith("Usage: hv_kvp_daemon");
  const uninstall = Bun.spawnSync([executablePath, "uninstall", "--root", debian.path]);
  expect(uninstall.exitCode).toBe(0);
  expect(debian.tree()).toEqual(before);
}, 120_000);

test("mkosi's script installs the program that is in the image already", () => {
  place("usr/sbin/hvguest");
  runScript(example("mkosi/mkosi.postinst.chroot"));
  expect(run("systemctl is-enabled hvguest-seed.service")).toBe("enabled\n");
  expect(run("cat /etc/cloud/cloud.cfg.d/99-hvguest.cfg")).toContain("NoCloud");
  run("hvguest uninstall");
  expect(debian.tree()).toEqual(before);
}, 120_000);

test("the Containerfile's and packer's commands install", () => {
  place("usr/sbin/hvguest");
  const commands = example("container/Containerfile").match(/^RUN (.*)$/gm) ?? [];
  expect(commands.length).toBe(1);
  runScript(commands.map((line) => line.slice(4)).join("\n"));
  run("hvguest uninstall");

  place("tmp/hvguest");
  const inline = /inline = \[([^\]]*)\]/.exec(example("packer/hvguest.pkr.hcl"))?.[1] ?? "";
  const lines = [...inline.matchAll(/"(.*)"/g)].map(([, line]) => line ?? "");
  expect(lines.length).toBe(3);
  runScript(lines.join("\n"));
  expect(run("systemctl is-enabled hvguest.service")).toBe("enabled\n");
  run("hvguest uninstall");
  expect(debian.tree()).toEqual(before);
}, 120_000);

test("the kickstart file waits for the host's key and installs", () => {
  const sections = example("kickstart/hvguest.ks").matchAll(/^%(pre|post)[^\n]*\n([^]*?)^%end/gm);
  const [pre = "", post = ""] = [...sections].map(([, , text]) => text ?? "");
  place("run/install/repo/hvguest");
  run(
    "install -m 755 /run/install/repo/hvguest /tmp/h && /tmp/h kvp set --pool external install.hostname web1",
  );
  runScript(pre);
  expect(run("cat /tmp/hvguest.ks")).toBe("network --hostname=web1\n");
  run("mkdir -p /mnt/sysimage/usr/lib/systemd && touch /mnt/sysimage/usr/lib/systemd/systemd");
  runScript(post);
  expect(run("systemctl --root=/mnt/sysimage is-enabled hvguest.service")).toBe("enabled\n");
  expect(
    run("hvguest kvp get --dir /mnt/sysimage/var/lib/hyperv --pool external install.hostname"),
  ).toBe("web1\n");
  run(
    "rm -rf /mnt/sysimage /usr/bin/hvguest /var/lib/hyperv /run/install /run/hvguest /tmp/h /tmp/hvguest*",
  );
}, 120_000);

test("a seed that a script puts into the pools comes out as it went in", () => {
  place("usr/sbin/hvguest");
  cpSync(join(examples, "host/put-seed.sh"), join(debian.path, "tmp/put-seed.sh"));
  const userData = `#cloud-config\n${Array.from({ length: 2000 }, () => Math.random()).join("\n")}\n`;
  writeFileSync(join(debian.path, "tmp/user-data"), userData);
  run(
    "sh /tmp/put-seed.sh '' user-data=/tmp/user-data 2>&1 || sh /tmp/put-seed.sh / user-data=/tmp/user-data",
  );
  expect(run("hvguest seed")).toContain("wrote '/var/lib/cloud/seed/nocloud'");
  expect(run("cat /var/lib/cloud/seed/nocloud/user-data")).toBe(userData);
  run("rm -rf /usr/sbin/hvguest /var/lib/cloud /var/lib/hyperv /tmp/put-seed.sh /tmp/user-data");
}, 120_000);

test("the System V script starts, tells of and stops the agent, and does nothing elsewhere", () => {
  const install = [executablePath, "install", "--root", debian.path, "--init", "sysvinit"];
  expect(Bun.spawnSync([...install, "--services", "kvp"]).exitCode).toBe(0);
  run("mv /etc/init.d/hvguest /hvguest.init && sh /hvguest.init start");
  expect(debian.run("sh /hvguest.init status")).toEqual({
    code: 3,
    output: "hvguest is not running\n",
  });
  // In one go: each run has a mount namespace of its own, in which paths differ.
  const steps = ["start </dev/null >/dev/null 2>&1", "status", "reload", "stop", "status || true"];
  const said = run(
    `mkdir -p /sys/bus/vmbus; ${steps.map((step) => `sh /hvguest.init ${step}`).join(" && ")}`,
  );
  expect(said).toMatch(/^hvguest is running \(\d+\)\nhvguest is not running\n$/);
  run("mv /hvguest.init /etc/init.d/hvguest && rm -r /sys/bus && /usr/sbin/hvguest uninstall");
  run("rm -rf /var/lib/hyperv");
  expect(debian.tree()).toEqual(before);
}, 120_000);

test("initramfs-tools and dracut carry the program, with its libraries, only when told to", () => {
  const install = Bun.spawnSync([executablePath, "install", "--root", debian.path]);
  expect(install.exitCode).toBe(0);
  run(`mkinitramfs -o /tmp/without ${kernel} 2>&1`);
  expect(run("lsinitramfs /tmp/without")).not.toContain("usr/sbin/hvguest");
  run(`touch /etc/hvguest/in-initramfs && mkinitramfs -c gzip -o /tmp/with ${kernel} 2>&1`);
  run("mkdir /tmp/unpacked && unmkinitramfs /tmp/with /tmp/unpacked");
  // Changing a pool needs the native module, and that its libraries.
  const set = "chroot /tmp/unpacked /usr/sbin/hvguest kvp set --dir /tmp --pool 0 a b";
  run(`mkdir -p /tmp/unpacked/proc && mount -t proc proc /tmp/unpacked/proc && ${set}`);
  // The hand-over with the tools that are there: the host's items reach the root.
  run("mkdir -p /tmp/unpacked/sysroot/var /tmp/unpacked/run/hvguest-initramfs/var/lib/hyperv");
  run("mv /tmp/unpacked/tmp/.kvp_pool_0 /tmp/unpacked/run/hvguest-initramfs/var/lib/hyperv/");
  run("mkdir -p /tmp/unpacked/dev && mknod -m 666 /tmp/unpacked/dev/null c 1 3");
  run("echo 999999 >/tmp/unpacked/run/hvguest-initramfs/pid");
  run("rootmnt=/sysroot chroot /tmp/unpacked /scripts/init-bottom/hvguest 2>&1");
  expect(run("stat -c %s /tmp/unpacked/sysroot/var/lib/hyperv/.kvp_pool_0")).toBe("2560\n");
  expect(run("find /tmp/unpacked -name 'libgcc_s.so.1' | wc -l")).not.toBe("0\n");
  expect(run("ls /tmp/unpacked/scripts/init-premount /tmp/unpacked/scripts/init-bottom")).toContain(
    "hvguest",
  );
  run("rm -rf /tmp/unpacked /tmp/with /tmp/without /etc/hvguest/in-initramfs");

  const dracut = `dracut --no-kernel --no-hostonly --force --quiet --gzip`;
  run(`${dracut} /tmp/without ${kernel} 2>&1`);
  expect(run("lsinitrd /tmp/without")).not.toContain("usr/sbin/hvguest");
  run(`${dracut} --add hvguest /tmp/with ${kernel} 2>&1`);
  const contents = run("lsinitrd /tmp/with");
  for (const name of [
    "usr/sbin/hvguest",
    "libgcc_s.so.1",
    "pre-trigger/20-hvguest-start.sh",
    "pre-pivot/20-hvguest-stop.sh",
  ]) {
    expect(contents).toContain(name);
  }
}, 300_000);
