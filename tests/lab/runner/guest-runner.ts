// Runs scenarios on one guest, which is booted once and used for many: before each
// one it is brought into a clean state, and after a failure it is booted afresh.

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Host } from "../host/host.ts";
import type { GuestName } from "../vm/cache.ts";
import { within } from "../vm/deadline.ts";
import { Machine } from "../vm/machine.ts";
import { SystemMachine } from "../vm/system-machine.ts";
import { Context } from "./context.ts";
import { Daemon, daemonLog } from "./daemon.ts";
import type { Outcome, Scenario, Who } from "./scenario.ts";

/** Ends every daemon, thaws, forgets what daemons keep. Prints what could not be undone. */
const cleanScript = `
kill -9 $(ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n 's,.*/proc/\\([0-9]*\\)/exe -> .*/\\(hv_.*_daemon\\|hvguest\\)$,\\1,p') 2>/dev/null
for m in /mnt/ext4 /mnt/xfs; do fsfreeze --unfreeze $m 2>/dev/null; done
while umount /var/lib/hyperv 2>/dev/null; do :; done
echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad
ip addr flush dev eth0 scope global; ip link set eth0 up
rm -rf /var/lib/hyperv /run/hvguest /run/names /run/daemon.pid /etc/hvguest ${daemonLog}
find /tmp /mnt/ext4 /mnt/xfs -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
mkdir -p /var/lib/hyperv /run/names
: > ${daemonLog}
dmesg -c > /dev/null
for m in /mnt/ext4 /mnt/xfs; do echo > $m/.lab || echo "$m is not writable"; done
rm -f /mnt/ext4/.lab /mnt/xfs/.lab
`;

/** Lines of the kernel log that no scenario may cause. */
const kernelComplaint = /BUG:|Oops|hung task|blocked for more|WARNING:/;

/** Those that our daemon may not cause either; the C daemons are known to. */
const daemonComplaint = /segfault|general protection|traps:/;

/** Whether the guest is of no use after a scenario. */
export function ruinsGuest({ ruinsGuest: whose = [] }: Scenario, who: Who): boolean {
  return whose.includes(who);
}

/** How scenarios are run. */
export interface RunnerOptions {
  /** Our executable on this machine; none is needed to judge the C daemons. */
  readonly binary: string | undefined;
  /** Where the evidence of failures is kept. */
  readonly results: string;
}

/** One guest at a time. */
export class GuestRunner implements AsyncDisposable {
  readonly #guest: GuestName;
  readonly #options: RunnerOptions;
  readonly #share: string;
  #machine: Machine | undefined;
  #boots = 0;

  constructor(guest: GuestName, options: RunnerOptions) {
    this.#guest = guest;
    this.#options = options;
    this.#share = mkdtempSync(join(tmpdir(), "hvlab-share-"));
    if (options.binary !== undefined) {
      copyFileSync(options.binary, join(this.#share, "hvguest"));
    }
    // The guests' busybox has no flock; that of Debian needs libc alone.
    copyFileSync("/usr/bin/flock", join(this.#share, "flock"));
  }

  /** How many times a guest was booted. */
  get boots(): number {
    return this.#boots;
  }

  /** Runs one scenario; a failed one once more on a freshly booted guest. */
  async run(scenario: Scenario, who: Who): Promise<Outcome> {
    const start = performance.now();
    const outcome = (
      result: Outcome["result"],
      observations: Record<string, string>,
      reason?: string,
    ): Outcome => {
      const milliseconds = performance.now() - start;
      const common = { scenario, guest: this.#guest, who, result, milliseconds, observations };
      return reason === undefined ? common : { ...common, reason };
    };
    if (scenario.pending !== undefined) {
      return outcome("pending", {});
    }
    const first = await this.#attempt(scenario, who, "first");
    if (first.error === undefined) {
      return outcome("passed", first.observations);
    }
    await this.#discard();
    const second = await this.#attempt(scenario, who, "second");
    if (second.error === undefined) {
      return outcome("passed on the second try", second.observations, first.error);
    }
    await this.#discard();
    return outcome("failed", second.observations, second.error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#discard();
    rmSync(this.#share, { recursive: true, force: true });
  }

  async #attempt(
    scenario: Scenario,
    who: Who,
    attempt: string,
  ): Promise<{ error: string | undefined; observations: Record<string, string> }> {
    let host: Host | undefined;
    let context: Context | undefined;
    try {
      const machine = await this.#clean(scenario);
      host = Host.of(machine);
      await this.#restoreOffer(host, scenario);
      const daemon = new Daemon(machine, who, scenario.service);
      context = new Context(machine, host, daemon, who);
      const seconds = scenario.seconds ?? 60;
      await within(seconds * 1000, `scenario '${scenario.name}'`, this.#play(scenario, context));
      await this.#askKernel(machine, scenario, who);
      return { error: undefined, observations: context.observations };
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      await this.#keepEvidence(scenario, who, attempt, reason, host);
      return { error: reason, observations: context?.observations ?? {} };
    } finally {
      host?.disconnect();
      if (ruinsGuest(scenario, who) || scenario.system !== undefined) {
        await this.#discard();
      }
    }
  }

  async #play(scenario: Scenario, context: Context): Promise<void> {
    if (scenario.daemon !== "none") {
      await context.daemon.start();
      await context.ready(scenario.service);
    }
    await scenario.run(context);
  }

  /** A guest in a clean state, booted when there is none; with systemd always a new one. */
  async #clean(scenario: Scenario): Promise<Machine> {
    if (scenario.system !== undefined) {
      await this.#discard();
      const system = await SystemMachine.startSystem({ ...scenario.system, share: this.#share });
      this.#machine = system;
      this.#boots += 1;
      await system.waitUp();
      return system;
    }
    if (this.#machine !== undefined && !this.#machine.isRunning) {
      await this.#discard();
    }
    if (this.#machine === undefined) {
      this.#machine = await Machine.start({ guest: this.#guest, share: this.#share });
      this.#boots += 1;
    }
    const left = await this.#machine.run(cleanScript, 30_000);
    if (left.trim() !== "") {
      throw new Error(`the guest is not clean: ${left.trim()}`);
    }
    return this.#machine;
  }

  /** Withdraws and offers the channel, so that no request of an earlier scenario is in it. */
  async #restoreOffer(host: Host, scenario: Scenario): Promise<void> {
    const { channel } = await host.attach(scenario.service);
    if (channel.state === "open") {
      await channel.rescind();
    }
    channel.offerOnly();
    if (scenario.service !== "fcopy") {
      await channel.opened();
    }
    channel.drain();
    channel.traffic.length = 0;
  }

  async #askKernel(machine: Machine, scenario: Scenario, who: Who): Promise<void> {
    if (ruinsGuest(scenario, who) || scenario.system !== undefined) {
      return;
    }
    const log = await machine.run("dmesg", 10_000);
    const complaints = log
      .split("\n")
      .filter(
        (line) => kernelComplaint.test(line) || (who === "ours" && daemonComplaint.test(line)),
      );
    if (complaints.length > 0) {
      throw new Error(`the guest's kernel complains: ${complaints.slice(0, 3).join("; ")}`);
    }
  }

  async #keepEvidence(
    scenario: Scenario,
    who: Who,
    attempt: string,
    reason: string,
    host: Host | undefined,
  ): Promise<void> {
    const name = scenario.name.replaceAll(/[^a-zA-Z0-9]+/g, "-").slice(0, 80);
    const folder = join(this.#options.results, `${this.#guest}-${who}-${name}-${attempt}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "reason"), `${reason}\n`);
    writeFileSync(join(folder, "traffic"), host?.traffic() ?? "");
    writeFileSync(join(folder, "console"), this.#machine?.console ?? "");
    const files = {
      "daemon.log": `cat ${daemonLog}`,
      dmesg: "dmesg",
      messages: "tail -n 200 /var/log/messages",
      processes:
        "ps -o pid,stat,args; ls -l /proc/$(cat /run/daemon.pid)/fd; ls -la /var/lib/hyperv",
    };
    for (const [file, command] of Object.entries(files)) {
      try {
        const said = await this.#machine?.try(command, 5000);
        writeFileSync(join(folder, file), `${said?.stdout ?? ""}${said?.stderr ?? ""}`);
      } catch {
        // The guest is lost: its console is all there is.
        return;
      }
    }
  }

  async #discard(): Promise<void> {
    await this.#machine?.stop();
    this.#machine = undefined;
  }
}
