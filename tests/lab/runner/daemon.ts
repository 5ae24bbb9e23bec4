// The daemon that is judged, in the guest: ours under any of its names, or the C one.

import type { GuestName } from "../vm/cache.ts";
import { until } from "../vm/deadline.ts";
import type { GuestJob, SignalName } from "../vm/guest-agent.ts";
import type { Machine } from "../vm/machine.ts";
import type { ServiceName } from "../vm/vmbus-devices.ts";
import type { Who } from "./scenario.ts";

/** Where our executable is in the guest. */
export const ourBinary = "/mnt/share/hvguest";

export const daemonLog = "/var/log/daemon.log";

export interface StartOptions {
  /**
   * The name that it is called by, with a link in /run/names: `hv_kvp_daemon`,
   * `hypervkvpd` ...; `hvguest` by default.
   */
  readonly as?: string;
  /** Arguments; `run` for hvguest and `-n` for the other names by default. */
  readonly arguments?: string;
  /**
   * Its environment, as a shell writes it: `NAME=value`; by default what our systemd
   * unit sets, without which the program executes itself once more.
   */
  readonly environment?: string;
}

function cDaemon(service: ServiceName, guest: GuestName): string {
  if (service === "fcopy") {
    return guest === "g61" ? "hv_fcopy_daemon" : "hv_fcopy_uio_daemon";
  }
  return `hv_${service}_daemon`;
}

const fcopyClass = "34d14be3-dee4-41c8-9ae7-6b174977c192";

/** UIO file copy needs the driver bound, which Debian's units do. */
const bindUio = `echo ${fcopyClass} > /sys/bus/vmbus/drivers/uio_hv_generic/new_id 2>/dev/null`;

/** `Environment=` of our systemd units. */
const unitEnvironment =
  "BUN_JSC_useJIT=0 BUN_JSC_useConcurrentGC=0 BUN_JSC_numberOfGCMarkers=1 BUN_GC_TIMER_DISABLE=1";

/** One daemon at a time. */
export class Daemon {
  readonly #machine: Machine;
  readonly #who: Who;
  readonly #service: ServiceName;
  #job: GuestJob | undefined;

  constructor(machine: Machine, who: Who, service: ServiceName) {
    this.#machine = machine;
    this.#who = who;
    this.#service = service;
  }

  /** The shell command that starts it in the foreground. */
  command(options: StartOptions = {}): string {
    if (this.#who === "c") {
      const name = cDaemon(this.#service, this.#machine.options.guest);
      return `/usr/sbin/${name} ${options.arguments ?? "-n"}`;
    }
    if (options.as === undefined || options.as === "hvguest") {
      return `${ourBinary} ${options.arguments ?? "run"}`;
    }
    return `/run/names/${options.as} ${options.arguments ?? "-n"}`;
  }

  /** Starts it and returns at once; its output is in `daemonLog`. */
  async start(options: StartOptions = {}): Promise<GuestJob> {
    const { as: name = "hvguest" } = options;
    const prepare = [
      "cd /; echo $$ > /run/daemon.pid",
      name === "hvguest" ? "true" : `mkdir -p /run/names; ln -sf ${ourBinary} /run/names/${name}`,
      this.#service === "fcopy" && this.#who === "c" ? bindUio : "true",
      `export ${options.environment ?? unitEnvironment}`,
    ];
    const job = this.#machine.job(
      `${prepare.join("; ")}; exec ${this.command(options)} >> ${daemonLog} 2>&1`,
    );
    this.#job = job;
    return job;
  }

  get isRunning(): boolean {
    return this.#job !== undefined && !this.#job.isDone;
  }

  /** Its exit status once it has ended (128 + signal). */
  get exitCode(): number | undefined {
    return this.#job?.code;
  }

  /** Its process id in the guest. */
  async pid(): Promise<number> {
    const text = await until(10_000, "process id of the daemon", async () => {
      // An earlier daemon's may still be in the file.
      const { stdout } = await this.#machine.try(
        "read -r p < /run/daemon.pid && [ -d /proc/$p ] && echo $p",
      );
      return stdout.trim() || undefined;
    });
    return Number(text);
  }

  /** Sends a signal and returns at once. */
  signal(signal: SignalName): void {
    this.#job?.kill(signal);
  }

  /** Ends it and waits for its end. */
  async stop(signal: SignalName = "SIGTERM", milliseconds = 30_000): Promise<number | undefined> {
    if (this.#job === undefined) {
      return undefined;
    }
    if (!this.#job.isDone) {
      this.#job.kill(signal);
    }
    return (await this.#job.wait(milliseconds)).code;
  }

  /** SIGKILL, then a new one; ready when a service answers again. */
  async restart(signal: SignalName = "SIGKILL", options: StartOptions = {}): Promise<void> {
    await this.stop(signal);
    await this.start(options);
  }

  /** What it has said. */
  async log(): Promise<string> {
    return (await this.#machine.try(`cat ${daemonLog} 2>/dev/null`)).stdout;
  }
}
