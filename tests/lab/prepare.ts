// Makes the lab ready in its cache folder: from ready-made parts when there are some
// (`$HVLAB_PREBUILT`, or ../shared/hvlab/prebuilt beside the repository), else from
// Debian's packages by the recipes in qemu/ and guest/.

import { copyFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { cacheDirectory, guestDirectory, type GuestName, qemuPath } from "./vm/cache.ts";

const here = import.meta.dir;

const prebuilt = process.env["HVLAB_PREBUILT"] ?? resolve(here, "../../../shared/hvlab/prebuilt");

/** What QEMU needs at run time. */
const packages = [
  "libpixman-1-0 libfdt1 libglib2.0-0 libattr1 libcap-ng0",
  "seabios qemu-system-data e2fsprogs xfsprogs xz-utils",
].flatMap((names) => names.split(" "));

const recipeOf: Record<GuestName, string> = {
  g61: "build-guests.sh",
  g612: "build-guests.sh",
  g7: "build-g7.sh",
  gsys: "build-gsys.sh",
};

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], {
    env: { ...process.env, HVLAB: cacheDirectory, DEBIAN_FRONTEND: "noninteractive" },
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) {
    throw new Error(`exit status ${child.exitCode} of: ${command.join(" ")}`);
  }
}

async function installPackages(): Promise<void> {
  const asked = Bun.spawnSync(["dpkg", "-s", ...packages], { stdout: "ignore", stderr: "ignore" });
  if (asked.exitCode !== 0) {
    console.log("lab: installing what qemu needs at run time");
    await run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages]);
  }
}

async function unpackQemu(): Promise<void> {
  mkdirSync(join(qemuPath, ".."), { recursive: true });
  const script = 'xz -dc "$1" > "$2.new" && chmod +x "$2.new" && mv "$2.new" "$2"';
  await run(["sh", "-c", script, "sh", join(prebuilt, "qemu-system-x86_64.xz"), qemuPath]);
}

function copyGuest(name: GuestName): void {
  const target = guestDirectory(name);
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(join(prebuilt, name))) {
    copyFileSync(join(prebuilt, name, file), join(target, file));
  }
}

/** Whether a guest is there. */
export function hasGuest(name: GuestName): boolean {
  return existsSync(join(guestDirectory(name), "initrd.gz"));
}

/** Makes QEMU and the guests ready; what is there already is left alone. */
export async function prepare(guests: readonly GuestName[]): Promise<void> {
  await installPackages();
  if (!existsSync(qemuPath)) {
    if (existsSync(join(prebuilt, "qemu-system-x86_64.xz"))) {
      await unpackQemu();
    } else {
      console.log("lab: building qemu (some minutes, once)");
      await run([join(here, "qemu/build-qemu.sh")]);
    }
  }
  for (const name of guests) {
    if (hasGuest(name)) {
      continue;
    }
    if (existsSync(join(prebuilt, name))) {
      copyGuest(name);
    } else {
      console.log(`lab: building guest ${name} (some minutes, once)`);
      await run([join(here, "guest", recipeOf[name])]);
    }
  }
}
