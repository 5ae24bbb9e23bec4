// One guest of the lab: QEMU with TCG and the Hyper-V changes of ../qemu, one of
// the guests of ../guest, and a Unix socket for each integration service.

import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { guestDirectory, type GuestName, qemuPath } from "./cache.ts";
import { within } from "./deadline.ts";
import { type CommandResult, GuestAgent, GuestError, type GuestJob } from "./guest-agent.ts";
import { qmp } from "./qmp.ts";
import { type ServiceName, serviceNames, type VmbusDevice, vmbusDevices } from "./vmbus-devices.ts";

export interface MachineOptions {
  readonly guest: GuestName;
  /** Virtual processors. */
  readonly processors?: number;
  readonly memoryMegabytes?: number;
  /** Folder of this machine, /mnt/share in the guest (9p, read-write, live). */
  readonly share?: string;
  /** The services that are offered; all by default. */
  readonly services?: readonly ServiceName[];
  /** Other VMBus devices, by a name for their sockets. */
  readonly devices?: Readonly<Record<string, VmbusDevice>>;
  /** More of the kernel's command line; `hvlab.skipmods=a,b` leaves modules out. */
  readonly append?: string;
  /** cpio archives that are appended to the guest's initramfs. */
  readonly initrd?: readonly string[];
  /** An ext4 of 128 MiB and an xfs of 320 MiB, on /mnt/ext4 and /mnt/xfs. */
  readonly disks?: boolean;
  /** More options of the hv-tcg device, for example `auto-eoi=on`. */
  readonly hypervisor?: string;
  /** More options of QEMU. */
  readonly extra?: readonly string[];
  /** A reboot of the guest boots it again rather than ending QEMU. */
  readonly reboot?: boolean;
  readonly hostname?: string;
  /** Where sockets, disks and logs are, kept; otherwise a temporary folder. */
  readonly directory?: string;
  /** The MAC of eth0, a card without a peer; `null` for none. */
  readonly mac?: string | null;
}

const diskMegabytes = { ext4: 128, xfs: 320 } as const;

/** A running guest. Make it with `Machine.start`, end it with `stop`. */
export class Machine implements AsyncDisposable {
  readonly options: MachineOptions;
  readonly directory: string;
  #process: Bun.Subprocess | undefined;
  #agent: GuestAgent | undefined;
  #startedAt = 0;
  /** How long the last boot took until the agent answered. */
  bootMilliseconds = 0;

  constructor(options: MachineOptions) {
    this.options = options;
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), "hvlab-"));
    mkdirSync(this.directory, { recursive: true });
  }

  /** Starts a guest and waits until commands can be run in it. */
  static async start(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    try {
      await machine.boot();
    } catch (error) {
      await machine.stop();
      throw error;
    }
    return machine;
  }

  /** The socket on which a test plays the host of a service (host/vmbus-channel.ts). */
  socketPath(name: string): string {
    return join(this.directory, `${name}.sock`);
  }

  /** All that the guest has written to its serial console. */
  get console(): string {
    const path = join(this.directory, "console.log");
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exitCode === null && !this.#process.killed;
  }

  get pid(): number {
    if (this.#process === undefined) {
      throw new GuestError("the guest has not been started");
    }
    return this.#process.pid;
  }

  /** Starts QEMU and waits for the guest's agent. */
  async boot(milliseconds = 180_000): Promise<void> {
    const command = await this.command();
    await writeFile(join(this.directory, "cmdline"), `${command.join(" ")}\n`);
    const log = openSync(join(this.directory, "qemu.log"), "w");
    // QEMU ends with us, however we end.
    const bound = ["setpriv", "--pdeathsig", "TERM", "--", ...command];
    this.#process = Bun.spawn(bound, { stdin: "ignore", stdout: log, stderr: log });
    closeSync(log);
    await this.waitBoot(milliseconds);
  }

  /** Waits until commands can be run; also after a reboot. */
  async waitBoot(milliseconds = 180_000): Promise<void> {
    this.#startedAt = performance.now();
    this.#agent?.close();
    try {
      this.#agent = await GuestAgent.connect(
        this.socketPath("agent"),
        milliseconds,
        () => this.isRunning,
      );
    } catch (error) {
      const log = readFileSync(join(this.directory, "qemu.log"), "utf8").slice(-2000);
      throw new GuestError(
        `boot of ${this.options.guest} in '${this.directory}': ${String(error)}; qemu: ${log}; console: ${this.console.slice(-3000)}`,
        { cause: error },
      );
    }
    this.bootMilliseconds = performance.now() - this.#startedAt;
  }

  /** Starts a shell command in the guest and returns at once. */
  job(command: string, stdin?: Uint8Array | string): GuestJob {
    if (this.#agent === undefined) {
      throw new GuestError("the guest has not booted");
    }
    return this.#agent.start(command, stdin);
  }

  /** Runs a shell command in the guest to its end; any exit status is fine. */
  try(command: string, milliseconds = 60_000, stdin?: Uint8Array | string): Promise<CommandResult> {
    return this.job(command, stdin).wait(milliseconds);
  }

  /**
   * Runs a shell command in the guest and returns its standard output.
   * @throws GuestError when it does not exit with 0.
   */
  async run(command: string, milliseconds = 60_000, stdin?: Uint8Array | string): Promise<string> {
    const { code, stdout, stderr } = await this.try(command, milliseconds, stdin);
    if (code !== 0) {
      throw new GuestError(`exit status ${code} of: ${command}: ${stdout}${stderr}`);
    }
    return stdout;
  }

  /** Writes a file in the guest. */
  async writeFile(path: string, content: Uint8Array | string): Promise<void> {
    await this.run(`cat > '${path}'`, 60_000, content);
  }

  /** Reads a file of the guest, byte for byte. */
  async readFile(path: string): Promise<Uint8Array> {
    const job = this.job(`cat '${path}'`);
    const { code, stderr } = await job.wait();
    if (code !== 0) {
      throw new GuestError(`read '${path}' in the guest: ${stderr}`);
    }
    return job.stdoutBytes;
  }

  qmp(execute: string, parameters: Record<string, unknown> = {}): Promise<unknown> {
    return qmp(join(this.directory, "qmp.sock"), execute, parameters);
  }

  /** Waits until QEMU has ended (a power-off, or a reboot when that ends it). */
  async waitExit(milliseconds = 60_000): Promise<void> {
    if (this.#process !== undefined) {
      await within(milliseconds, "end of qemu", this.#process.exited);
    }
  }

  /** Ends QEMU and removes a temporary folder. */
  async stop(): Promise<void> {
    this.#agent?.close();
    if (this.#process !== undefined && this.isRunning) {
      this.#process.kill("SIGTERM");
      const ended = this.#process.exited.then(() => true);
      if (!(await Promise.race([ended, Bun.sleep(5000).then(() => false)]))) {
        this.#process.kill("SIGKILL");
        await this.#process.exited;
      }
    }
    if (this.options.directory === undefined) {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** The command line of QEMU. */
  protected async command(): Promise<string[]> {
    const options = this.options;
    const kernelArguments = [
      // QEMU translates code once for each address at which a process has it.
      "console=ttyS0 panic=5 net.ifnames=0 norandmaps",
      `hvlab.hostname=${options.hostname ?? "hvguest"}`,
      options.append ?? "",
    ];
    const folder = this.directory;
    const initrd = await this.#initrd();
    const command: string[][] = [
      [qemuPath, "-accel", "tcg,thread=multi", "-cpu", "max"],
      ["-L", join(dirname(qemuPath), "qemu-bundle/usr/local/share/qemu")],
      ["-L", "/usr/share/qemu", "-L", "/usr/share/seabios"],
      ["-M", "q35,usb=off", "-m", String(options.memoryMegabytes ?? 1024)],
      ["-smp", String(options.processors ?? 1)],
      ["-nodefaults", "-display", "none", "-no-user-config"],
      ["-kernel", join(guestDirectory(options.guest), "vmlinuz"), "-initrd", initrd],
      ["-append", kernelArguments.join(" ")],
      ["-serial", `file:${folder}/console.log`],
      ["-qmp", `unix:${folder}/qmp.sock,server=on,wait=off`],
      ["-device", "virtio-serial-pci"],
      ["-chardev", `socket,id=agent,path=${this.socketPath("agent")},server=on,wait=off`],
      ["-device", "virtserialport,chardev=agent,name=hvlab.agent"],
      ["-device", ["hv-tcg", options.hypervisor].filter(Boolean).join(",")],
      ["-device", "vmbus-bridge"],
      options.reboot === true ? [] : ["-no-reboot"],
    ];
    const devices: Record<string, VmbusDevice> = { ...options.devices };
    for (const name of options.services ?? serviceNames) {
      devices[name] = vmbusDevices[name];
    }
    for (const [name, { classId, instanceId }] of Object.entries(devices)) {
      const chardev = `vb-${name}`;
      const device = `id=dev-${name},chardev=${chardev},classid=${classId},instanceid=${instanceId}`;
      command.push(
        ["-chardev", `socket,id=${chardev},path=${this.socketPath(name)},server=on,wait=off`],
        ["-device", `vmbus-pipe,${device}`],
      );
    }
    for (const type of options.disks === false ? [] : (["ext4", "xfs"] as const)) {
      command.push(
        ["-drive", `if=none,id=d-${type},format=raw,file=${await this.disk(type)}`],
        ["-device", `virtio-blk-pci,drive=d-${type}`],
      );
    }
    if (options.mac !== null) {
      const mac = options.mac ?? "52:54:00:12:34:56";
      command.push(["-device", `virtio-net-pci,romfile=,mac=${mac}`]);
    }
    if (options.share !== undefined) {
      const how = "mount_tag=share,security_model=none,multidevs=remap";
      command.push(["-virtfs", `local,path=${options.share},${how}`]);
    }
    return [...command.flat(), ...(options.extra ?? [])];
  }

  /** The image of one of the two test disks; made when it is not there. */
  protected async disk(type: keyof typeof diskMegabytes): Promise<string> {
    const path = join(this.directory, `${type}.img`);
    if (!existsSync(path)) {
      await writeFile(path, "");
      await truncate(path, diskMegabytes[type] * 1024 * 1024);
      const made = Bun.spawnSync([`/usr/sbin/mkfs.${type}`, "-q", path]);
      if (made.exitCode !== 0) {
        throw new Error(`mkfs.${type} '${path}': ${made.stderr.toString()}`);
      }
    }
    return path;
  }

  async #initrd(): Promise<string> {
    const initrd = join(guestDirectory(this.options.guest), "initrd.gz");
    const more = this.options.initrd ?? [];
    if (more.length === 0) {
      return initrd;
    }
    const parts: Uint8Array[] = [];
    for (const path of [initrd, ...more]) {
      const content = readFileSync(path);
      parts.push(content, new Uint8Array((512 - (content.length % 512)) % 512));
    }
    const joined = join(this.directory, "initrd");
    await writeFile(joined, Buffer.concat(parts));
    return joined;
  }
}
