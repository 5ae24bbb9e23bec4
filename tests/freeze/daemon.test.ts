// The backup daemon on the fake kernel and real file systems.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { HostStatus, NoAnswer } from "../fake-kernel/host-answer.ts";
import { FakeVmbus, isPrivateMachine } from "../fake-kernel/vmbus.ts";
import type { VssDriver } from "../fake-kernel/vss-driver.ts";
import { VssHost } from "../fake-kernel/vss-host.ts";
import {
  configure,
  isMarked,
  killAllCalled,
  processesCalled,
  type Running,
  startCommand,
  startDaemon,
} from "../support/freezing-machine.ts";
import { areWritable, command, LoopMounts, Write } from "../support/loop-mounts.ts";
import { until } from "../support/until.ts";

// Far less than the deadline of the freeze; usually some 20 ms.
const isThawed = 10_000;

/** A host, a daemon that has registered with it, and file systems that it may freeze. */
class Machine implements AsyncDisposable {
  readonly mounts = new LoopMounts();
  readonly vmbus = new FakeVmbus();
  readonly driver: VssDriver = this.vmbus.offerVss();
  readonly host = new VssHost(this.driver);
  daemon: Running;
  readonly paths: readonly string[];

  constructor(settings: Readonly<Record<string, unknown>> = {}) {
    this.paths = [this.mounts.make("ext4"), this.mounts.make("btrfs")];
    configure(settings);
    this.daemon = startDaemon();
  }

  isWritable(milliseconds = isThawed): Promise<boolean> {
    return areWritable(this.paths, milliseconds);
  }

  async isFrozen(): Promise<boolean> {
    const writes = this.paths.map((path) => new Write(path).endsWithin(200));
    return (await Promise.all(writes)).every((done) => !done);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    this.vmbus.close();
    this.mounts[Symbol.dispose]();
  }
}

/** A hook that notes what it is called with, and then does what `body` says. */
function hook(name: string, body = ""): void {
  mkdirSync("/etc/hvguest/vss.d", { recursive: true });
  const path = `/etc/hvguest/vss.d/${name}`;
  writeFileSync(path, `#!/bin/sh\necho "${name} $1" >>/run/hooks\n${body}\n`);
  chmodSync(path, 0o755);
}

function hookCalls(): readonly string[] {
  return readFileSync("/run/hooks", "utf8").trim().split("\n");
}

function forgetHooks(): void {
  rmSync("/etc/hvguest/vss.d", { recursive: true, force: true });
  rmSync("/run/hooks", { force: true });
}

const withHooks = { hooks: ["/etc/hvguest/vss.d"], hook_seconds: 1 };

describe.skipIf(!isPrivateMachine())("the backup daemon", () => {
  test("checks, freezes and thaws for the host, twenty times with one guard", async () => {
    await using machine = new Machine();
    const { host } = machine;
    for (let cycle = 0; cycle < 20; cycle += 1) {
      expect(await host.check()).toBe(HostStatus.ok);
      expect(await host.freeze()).toBe(HostStatus.ok);
      expect(isMarked()).toBe(true);
      expect(await host.thaw()).toBe(HostStatus.ok);
      expect(isMarked()).toBe(false);
    }
    expect(await machine.isWritable()).toBe(true);
    expect(processesCalled("hvguest-guard")).toHaveLength(1);
  });

  test("answers a second freeze, and a thaw of nothing, as done", async () => {
    await using machine = new Machine();
    const { host } = machine;
    expect(await host.thaw()).toBe(HostStatus.ok);
    expect(await host.freeze()).toBe(HostStatus.ok);
    expect(await host.freeze()).toBe(HostStatus.ok);
    expect(await machine.isFrozen()).toBe(true);
    expect(await host.thaw()).toBe(HostStatus.ok);
    expect(await host.thaw()).toBe(HostStatus.ok);
    expect(await machine.isWritable()).toBe(true);
  });

  test("answers an unknown operation with a failure, logs it, and goes on", async () => {
    await using machine = new Machine();
    expect(await machine.host.operation(77)).toBe(HostStatus.notSupported);
    await machine.daemon.logged("operation 77: this operation is unknown");
    expect(await machine.host.check()).toBe(HostStatus.ok);
  });

  test("logs nothing while frozen and everything after", async () => {
    await using machine = new Machine();
    await machine.host.freeze();
    expect(machine.daemon.errors).not.toContain("frozen after");
    await machine.host.thaw();
    await machine.daemon.logged("frozen after");
  });

  test("thaws at once when the host takes the service back", async () => {
    await using machine = new Machine();
    await machine.host.freeze();
    await machine.vmbus.rescind(machine.driver);
    expect(await machine.isWritable()).toBe(true);
    await machine.daemon.logged("while file systems are frozen, thawing");
  });

  test("thaws when it is told to end", async () => {
    await using machine = new Machine();
    await machine.host.freeze();
    machine.daemon.kill("SIGTERM");
    expect(await machine.isWritable()).toBe(true);
    expect(await machine.daemon.exited).toBe(0);
  });

  test("thaws by its death", async () => {
    await using machine = new Machine();
    await machine.host.freeze();
    machine.daemon.kill("SIGKILL");
    expect(await machine.isWritable()).toBe(true);
    await until(() => !isMarked());
  });

  test("thaws what an earlier daemon has left before it registers", async () => {
    await using machine = new Machine();
    await machine.host.freeze();
    machine.daemon.kill("SIGSTOP");
    process.kill(processesCalled("hvguest-guard")[0] ?? 0, "SIGKILL");
    machine.daemon.kill("SIGKILL");
    await machine.daemon.exited;
    expect(await machine.isFrozen()).toBe(true);
    machine.daemon = startDaemon();
    await machine.daemon.logged("had left file systems frozen, thawed");
    expect(await machine.isWritable()).toBe(true);
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
  });

  test("thaws when the host falls silent, and tells the host when it speaks again", async () => {
    await using machine = new Machine({ deadline_seconds: 1 });
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.isWritable(20_000)).toBe(true);
    expect(await machine.host.thaw()).toBe(HostStatus.fail);
    await machine.daemon.logged("thawed after 1 s: nobody had asked for it");
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
  });

  test("answers a freeze that a hanging disk holds up, and undoes it when the disk goes on", async () => {
    await using machine = new Machine({ deadline_seconds: 2 });
    const { host, mounts, paths } = machine;
    const [outer = ""] = paths;
    // The disk of the inner one is a file, which takes no write while it is frozen.
    const inner = mounts.make("ext4", "inner", outer, 8 << 20);
    writeFileSync(`${inner}/dirty`, "not on the disk yet");
    command("fsfreeze", "--freeze", outer);
    expect(await host.freeze()).toBe(HostStatus.fail);
    await machine.daemon.logged("a disk does not answer");
    command("fsfreeze", "--unfreeze", outer);
    expect(await areWritable([...paths, inner], isThawed)).toBe(true);
    expect(await host.freeze()).toBe(HostStatus.ok);
    expect(await host.thaw()).toBe(HostStatus.ok);
  });

  test("fails checks and freezes while a hanging disk holds up a thaw, and thaws the others", async () => {
    await using machine = new Machine({ exclude: ["/tmp/mounts-*/outer"] });
    const { host, mounts } = machine;
    const outer = mounts.make("xfs", "outer");
    // Its disk is a file, which takes no write while the outer one is frozen.
    const inner = mounts.make("ext4", "inner", outer, 8 << 20);
    expect(await host.freeze()).toBe(HostStatus.ok);
    command("fsfreeze", "--freeze", outer);
    expect(await host.thaw()).toBe(HostStatus.fail);
    expect(await machine.isWritable()).toBe(true);
    expect(await host.check()).toBe(HostStatus.fail);
    expect(await host.freeze()).toBe(HostStatus.fail);
    command("fsfreeze", "--unfreeze", outer);
    expect(await areWritable([inner], isThawed)).toBe(true);
    await machine.daemon.logged("froze ");
    expect(await host.freeze()).toBe(HostStatus.ok);
    expect(await host.thaw()).toBe(HostStatus.ok);
  });

  test("registers anew when the kernel does not wait for its answer, as after a suspend", async () => {
    await using machine = new Machine();
    await machine.host.freeze();
    machine.driver.beforeReply = () => machine.driver.expire();
    await expect(machine.host.thaw()).rejects.toBeInstanceOf(NoAnswer);
    machine.driver.beforeReply = undefined;
    expect(await machine.isWritable()).toBe(true);
    await until(() => machine.driver.registrations.length === 2);
    expect(await machine.host.check()).toBe(HostStatus.ok);
  });

  test("survives a message that is none", async () => {
    await using machine = new Machine();
    await machine.host.check();
    await expect(machine.host.exchange(Buffer.alloc(3))).rejects.toBeInstanceOf(NoAnswer);
    expect(await machine.host.check()).toBe(HostStatus.ok);
  });

  test("refuses the check when something else is being frozen by hand", async () => {
    await using machine = new Machine();
    await machine.host.check();
    await using byHand = startCommand("vss", "freeze", "--for", "60s");
    await byHand.logged("frozen after");
    expect(await machine.host.check()).toBe(HostStatus.fail);
    expect(await machine.host.freeze()).toBe(HostStatus.fail);
    byHand.kill("SIGTERM");
    await byHand.exited;
    expect(await machine.host.check()).toBe(HostStatus.ok);
  });

  test("passes over a file system that was unmounted after the check", async () => {
    await using machine = new Machine();
    await machine.host.check();
    command("umount", machine.paths[1] ?? "");
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
    await machine.daemon.logged(`froze ${machine.paths[0]} for`);
  });
});

describe.skipIf(!isPrivateMachine())("hooks", () => {
  test("run in order before the freeze and in reverse after the thaw", async () => {
    forgetHooks();
    hook("10-first", "echo to the log; echo and this >&2");
    hook("20-second");
    hook("20-second.bak", "exit 1");
    await using machine = new Machine(withHooks);
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(hookCalls()).toEqual(["10-first freeze", "20-second freeze"]);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
    await until(() => hookCalls().length === 4);
    expect(hookCalls().slice(2)).toEqual(["20-second thaw", "10-first thaw"]);
    await machine.daemon.logged("vss.hook.10-first: to the log");
    await machine.daemon.logged("vss.hook.10-first: and this");
  });

  test("that fail, fail the freeze, and those that ran are told", async () => {
    forgetHooks();
    hook("10-first");
    hook("20-second", '[ "$1" != freeze ]');
    hook("30-third");
    await using machine = new Machine(withHooks);
    expect(await machine.host.freeze()).toBe(HostStatus.fail);
    await until(() => hookCalls().length === 4);
    expect(hookCalls()).toEqual([
      "10-first freeze",
      "20-second freeze",
      "20-second thaw",
      "10-first thaw",
    ]);
    await machine.daemon.logged("20-second freeze': status 1");
    expect(await machine.isWritable()).toBe(true);
  });

  test("that hang are killed with all their children, and fail the freeze", async () => {
    forgetHooks();
    hook("10-hangs", '[ "$1" != freeze ] || { sleep 4321 & sleep 4321; }');
    await using machine = new Machine(withHooks);
    expect(await machine.host.freeze()).toBe(HostStatus.fail);
    await machine.daemon.logged("not done after 1 s, killed");
    await until(() => processesCalled("sleep").length === 0);
    expect(await machine.host.check()).toBe(HostStatus.ok);
  });

  test("are ended by the end of the channel, and the next registration does not wait", async () => {
    forgetHooks();
    hook("10-hangs", '[ "$1" != freeze ] || sleep 4321');
    await using machine = new Machine({ ...withHooks, hook_seconds: 600 });
    const freeze = machine.host.freeze().catch((error: unknown) => error);
    await until(() => processesCalled("sleep").length > 0);
    await machine.vmbus.rescind(machine.driver);
    expect(await freeze).toBeInstanceOf(NoAnswer);
    await until(() => processesCalled("sleep").length === 0);
    await until(() => hookCalls().length === 2);
    expect(hookCalls()).toEqual(["10-hangs freeze", "10-hangs thaw"]);
    forgetHooks();
    const host = new VssHost(machine.vmbus.offerVss());
    expect(await host.freeze()).toBe(HostStatus.ok);
    expect(await host.thaw()).toBe(HostStatus.ok);
    expect(await machine.isWritable()).toBe(true);
  });

  test("that leave a child behind do not fail the freeze", async () => {
    forgetHooks();
    hook("10-starts", '[ "$1" != freeze ] || { sleep 4321 & }');
    await using machine = new Machine({ ...withHooks, hook_seconds: 30 });
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
    killAllCalled("sleep");
  });

  test("that flood their output cost no memory and no journal", async () => {
    forgetHooks();
    hook("10-floods", "yes | head -c 50000000");
    await using machine = new Machine({ ...withHooks, hook_seconds: 30 });
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
    await machine.daemon.logged("froze ");
    expect(machine.daemon.errors.length).toBeLessThan(200_000);
  });

  test("that others could have written are not run, and fail the check", async () => {
    forgetHooks();
    hook("10-first");
    chmodSync("/etc/hvguest/vss.d/10-first", 0o757);
    await using machine = new Machine(withHooks);
    expect(await machine.host.check()).toBe(HostStatus.fail);
    expect(await machine.host.freeze()).toBe(HostStatus.fail);
    await machine.daemon.logged("others than root may write it");
    expect(await machine.isWritable()).toBe(true);
  });

  test("after the thaw do not delay its answer", async () => {
    forgetHooks();
    hook("10-slow", '[ "$1" != thaw ] || sleep 4321');
    await using machine = new Machine({ ...withHooks, hook_seconds: 60 });
    expect(await machine.host.freeze()).toBe(HostStatus.ok);
    expect(await machine.host.thaw()).toBe(HostStatus.ok);
    await until(() => processesCalled("sleep").length > 0);
    killAllCalled("sleep");
    await machine.daemon.logged("hook after the thaw: run '/etc/hvguest/vss.d/10-slow thaw'");
  });
});
