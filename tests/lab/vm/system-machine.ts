// The guest with systemd (../guest/build-gsys.sh): a disk, one network manager in
// charge of eth0, and a peer at eth0's other end in a network namespace of QEMU's.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { guestDirectory } from "./cache.ts";
import { until } from "./deadline.ts";
import { type CommandResult, GuestError } from "./guest-agent.ts";
import { Machine, type MachineOptions } from "./machine.ts";

export type NetworkManagerName = "networkd" | "NetworkManager" | "netplan" | "ifupdown" | "none";

export interface SystemMachineOptions extends Omit<MachineOptions, "guest"> {
  /** Who is in charge of eth0; as on the disk when left out. */
  readonly network?: NetworkManagerName;
  /** cloud-init: off, on, or on with its network configuration too. */
  readonly cloudInit?: "off" | "on" | "network";
  /** Files of the NoCloud seed, by name; needs `share`. */
  readonly seed?: Readonly<Record<string, string>>;
  /** 192.0.2.1/24 on a TAP in a network namespace of QEMU's own; needs root. */
  readonly hasPeer?: boolean;
  /** systemd units that are masked. */
  readonly mask?: readonly string[];
}

/** What a Hyper-V machine of generation 2 shows; cloud-init and systemd look at these. */
const smbios = [
  "type=0,vendor=Microsoft Corporation,version=Hyper-V UEFI Release v4.1",
  "type=1,manufacturer=Microsoft Corporation,product=Virtual Machine,version=Hyper-V UEFI Release v4.1,family=Virtual Machine",
  "type=3,manufacturer=Microsoft Corporation,asset=7783-7084-3265-9085-8269-3286-77",
].flatMap((table) => ["-smbios", table]);

/** The MAC of eth0; its adapter id is {f8615163-0000-1000-2000-525400123456}. */
export const systemMac = "52:54:00:12:34:56";

const peerScript =
  "export PATH=/usr/sbin:/usr/bin:/sbin:/bin; ip link set lo up; " +
  "ip tuntap add hv0 mode tap && ip addr add 192.0.2.1/24 dev hv0 && " +
  'ip link set hv0 up && exec "$@"';

/** A guest with systemd. `boot` returns early; `waitUp` waits for the end of the boot. */
export class SystemMachine extends Machine {
  readonly #system: SystemMachineOptions;

  constructor(options: SystemMachineOptions) {
    const cloud = { off: "0", on: "1", network: "net" } as const;
    const append = [
      "root=LABEL=hvlab-root rw",
      options.network === undefined ? "" : `hvlab.net=${options.network}`,
      options.cloudInit === undefined ? "" : `hvlab.cloud=${cloud[options.cloudInit]}`,
      ...(options.mask ?? []).map((unit) => `systemd.mask=${unit}`),
      options.append ?? "",
    ];
    super({
      processors: 2,
      reboot: true,
      disks: false,
      ...options,
      guest: "gsys",
      append: append.filter(Boolean).join(" "),
      mac: options.hasPeer === false ? (options.mac ?? systemMac) : null,
    });
    this.#system = options;
    if (options.seed !== undefined) {
      this.#writeSeed(options.seed);
    }
  }

  static async startSystem(options: SystemMachineOptions): Promise<SystemMachine> {
    const machine = new SystemMachine(options);
    try {
      await machine.boot();
    } catch (error) {
      await machine.stop();
      throw error;
    }
    return machine;
  }

  /** Runs a command at eth0's other end, 192.0.2.1. */
  peer(command: string): CommandResult {
    const ran = Bun.spawnSync(["nsenter", "-t", String(this.pid), "-n", "--", "sh", "-c", command]);
    return { code: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
  }

  /** Waits for the end of the boot; returns what systemctl says of the system. */
  async waitUp(milliseconds = 240_000): Promise<string> {
    const state = await until(milliseconds, "end of the guest's boot", async () => {
      const asked = await this.try(
        "systemctl is-system-running --wait >/dev/null; udevadm settle; systemctl is-system-running --wait",
        milliseconds,
      );
      const said = asked.stdout.trim();
      return ["", "offline", "unknown", "initializing", "starting"].includes(said)
        ? undefined
        : said;
    });
    if (state !== "running") {
      const failed = await this.try("systemctl --failed --no-legend --plain");
      throw new GuestError(`the guest is ${state}: ${failed.stdout}`);
    }
    return state;
  }

  /** Reboots the guest and waits until it is up again. */
  async reboot(command = "systemctl reboot", milliseconds = 240_000): Promise<void> {
    const before = await this.run("cat /proc/sys/kernel/random/boot_id");
    this.job(command);
    await until(milliseconds, "reboot of the guest", async () => {
      await this.waitBoot(milliseconds);
      try {
        return (await this.run("cat /proc/sys/kernel/random/boot_id", 3000)) !== before;
      } catch {
        // Still going down.
        return false;
      }
    });
    await this.waitUp(milliseconds);
  }

  protected override async command(): Promise<string[]> {
    const root = join(this.directory, "root.qcow2");
    if (!existsSync(root)) {
      const backing = join(guestDirectory("gsys"), "root.img");
      const made = Bun.spawnSync([
        "qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-F",
        "raw",
        "-b",
        backing,
        root,
      ]);
      if (made.exitCode !== 0) {
        throw new Error(`qemu-img create '${root}': ${made.stderr.toString()}`);
      }
    }
    const command = [
      await super.command(),
      ["-drive", `if=none,id=d-root,format=qcow2,cache=unsafe,file=${root}`],
      ["-device", "virtio-blk-pci,drive=d-root"],
      smbios,
    ].flat();
    if (this.#system.hasPeer === false) {
      return command;
    }
    const mac = this.#system.mac ?? systemMac;
    command.push("-netdev", "tap,id=n0,ifname=hv0,script=no,downscript=no");
    command.push("-device", `virtio-net-pci,netdev=n0,romfile=,mac=${mac}`);
    return ["unshare", "-n", "--", "sh", "-c", peerScript, "qemu", ...command];
  }

  protected override async disk(type: "ext4" | "xfs"): Promise<string> {
    const isNew = !existsSync(join(this.directory, `${type}.img`));
    const path = await super.disk(type);
    if (isNew) {
      const label =
        type === "ext4"
          ? ["/usr/sbin/e2label", path, "hvlab-ext4"]
          : ["/usr/sbin/xfs_admin", "-L", "hvlab-xfs", path];
      Bun.spawnSync(label);
    }
    return path;
  }

  #writeSeed(seed: Readonly<Record<string, string>>): void {
    if (this.options.share === undefined) {
      throw new Error("a NoCloud seed needs a shared folder");
    }
    const folder = join(this.options.share, "nocloud");
    mkdirSync(folder, { recursive: true });
    const files = {
      "meta-data": "instance-id: hvlab-1\n",
      "user-data": "#cloud-config\nfinal_message: hvlab\n",
      ...seed,
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text);
    }
  }
}
