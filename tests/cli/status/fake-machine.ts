// A machine in a folder: what sysfs, /dev and /run show of a Hyper-V guest.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { type ServiceReport, writeServiceReport } from "../../../src/agent/service-report.ts";
import type { Command } from "../../../src/cli/command.ts";
import { pathsFrom } from "../../../src/platform/paths.ts";
import { VmbusClass } from "../../../src/protocol/vmbus-class.ts";

export class FakeMachine implements Disposable {
  readonly root = mkdtempSync(`${tmpdir()}/hvguest-machine-`);
  #devices = 0;

  constructor() {
    mkdirSync(`${this.root}/sys/bus/vmbus/devices`, { recursive: true });
  }

  get environment() {
    return { HVGUEST_ROOT: this.root, HVGUEST_KERNEL_ROOT: this.root };
  }

  put(path: string, text: string | Uint8Array): void {
    mkdirSync(dirname(this.root + path), { recursive: true });
    writeFileSync(this.root + path, text);
  }

  /** A VMBus device of this class; with a driver unless it is null. */
  offer(name: keyof typeof VmbusClass, driver: string | null = "hv_utils"): void {
    this.#devices += 1;
    const path = `/sys/bus/vmbus/devices/device-${this.#devices}`;
    this.put(`${path}/id`, `${this.#devices}\n`);
    this.put(`${path}/class_id`, `${VmbusClass[name]}\n`);
    if (driver !== null) {
      mkdirSync(`${this.root}/sys/bus/vmbus/drivers/${driver}`, { recursive: true });
      symlinkSync(`../../drivers/${driver}`, `${this.root}${path}/driver`);
    }
  }

  /** As an agent with this process's number writes it. */
  report(report: Partial<ServiceReport>): void {
    writeServiceReport(pathsFrom(this.environment), {
      service: "kvp",
      version: "1.0",
      pid: process.pid,
      phase: "registered",
      since: "2026-01-01T00:00:00.000Z",
      status: "registered, 3 requests",
      registrations: 1,
      written: "2026-01-01T00:00:00.000Z",
      ...report,
    });
  }

  /** Runs a command and gives its status and what it printed. */
  async run(
    command: Command,
    args: Record<string, unknown>,
  ): Promise<{ status: number; printed: string }> {
    let printed = "";
    const status = await command.run?.(args, {
      environment: this.environment,
      print: (text) => (printed += text),
      complain: (text) => (printed += text),
      signal: new AbortController().signal,
      commands: [],
    });
    return { status: status ?? -1, printed };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}
