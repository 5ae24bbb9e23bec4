// What a scenario gets: the guest, its host, the daemon that is judged, and a place
// to write down what the host saw.

import assert from "node:assert/strict";
import type { Reply } from "../host/component.ts";
import { FcopyStatus } from "../host/fcopy.ts";
import type { Host, HostServices } from "../host/host.ts";
import type { GuestName } from "../vm/cache.ts";
import { DeadlineError, until } from "../vm/deadline.ts";
import type { Machine } from "../vm/machine.ts";
import type { ServiceName } from "../vm/vmbus-devices.ts";
import type { Daemon } from "./daemon.ts";
import type { Who } from "./scenario.ts";

/** `0x80070103`, as hosts print a status. */
export function statusText(status: number): string {
  return `0x${(status >>> 0).toString(16).padStart(8, "0")}`;
}

export class Context {
  readonly machine: Machine;
  readonly host: Host;
  readonly daemon: Daemon;
  readonly guest: GuestName;
  readonly who: Who;
  readonly observations: Record<string, string> = {};

  constructor(machine: Machine, host: Host, daemon: Daemon, who: Who) {
    this.machine = machine;
    this.host = host;
    this.daemon = daemon;
    this.guest = machine.options.guest;
    this.who = who;
  }

  /** Whether file copy goes over the UIO ring rather than the character device. */
  get hasUio(): boolean {
    return this.guest !== "g61";
  }

  /**
   * Writes down what the host saw. The same label of the same scenario is compared
   * between both daemons: write statuses, bytes and order, nothing that changes from
   * run to run (times, process ids).
   */
  saw(label: string, value: string | number | boolean): void {
    this.observations[label] = String(value);
  }

  /** The same for a status. */
  sawStatus(label: string, status: number): void {
    this.saw(label, statusText(status));
  }

  /**
   * Writes down what the host saw, and requires it of our daemon. Of the C daemon
   * it is only written down: what it does otherwise is in the table of differences.
   */
  expect(
    label: string,
    actual: string | number | boolean,
    expected: string | number | boolean,
  ): void {
    this.saw(label, actual);
    if (this.who === "ours") {
      assert.equal(String(actual), String(expected), label);
    }
  }

  /** The status of a reply, or "no answer" when none comes in time. */
  async answer(reply: Promise<Reply>): Promise<string> {
    try {
      return statusText((await reply).status);
    } catch (error) {
      if (error instanceof DeadlineError) {
        return "no answer";
      }
      throw error;
    }
  }

  /** Whether the daemon still runs; when it does not, another one is started. */
  async survived(service: ServiceName): Promise<boolean> {
    if (this.who === "c") {
      // A daemon that dies lets go of its device a moment before it is gone.
      await Bun.sleep(100);
    }
    if (this.daemon.isRunning) {
      return true;
    }
    await this.daemon.start();
    const { channel } = await this.ready(service);
    channel.drain();
    return false;
  }

  /** Runs a shell command in the guest; its standard output without the last newline. */
  async sh(command: string, milliseconds = 60_000): Promise<string> {
    return (await this.machine.run(command, milliseconds)).trimEnd();
  }

  /** A service that is connected, negotiated and whose daemon answers. */
  async ready<Name extends ServiceName>(
    name: Name,
    milliseconds = 60_000,
  ): Promise<HostServices[Name]> {
    const component = await this.host.service(name, milliseconds);
    if (name === "vss") {
      const vss = await this.host.service("vss");
      await until(milliseconds, "a VSS daemon", async () => (await vss.check()).status === 0, 100);
    } else if (name === "fcopy") {
      // "It exists already" is the answer of a daemon, and nothing is written.
      const fcopy = await this.host.service("fcopy");
      const probe = { pathName: "/etc/", fileName: "passwd" };
      const answers = async () =>
        (await fcopy.startCopy(probe)).status === FcopyStatus.alreadyExists;
      await until(milliseconds, "a file copy daemon", answers, 100);
    }
    return component;
  }
}
