// A guest for one test: the fake kernel, one daemon on it, and the host's side.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { FcopyDriver } from "../fake-kernel/fcopy-driver.ts";
import { FcopyHost } from "../fake-kernel/fcopy-host.ts";
import type { KvpDriver } from "../fake-kernel/kvp-driver.ts";
import { KvpHost } from "../fake-kernel/kvp-host.ts";
import type { KernelGeneration, ServiceDriver } from "../fake-kernel/service-driver.ts";
import { FakeVmbus } from "../fake-kernel/vmbus.ts";
import type { VssDriver } from "../fake-kernel/vss-driver.ts";
import { VssHost } from "../fake-kernel/vss-host.ts";
import { type DaemonOptions, DaemonProcess } from "./daemon-process.ts";
import type { DaemonProgram } from "./daemons.ts";

export const poolDirectory = "/var/lib/hyperv";

export interface GuestOptions extends DaemonOptions {
  readonly generation?: KernelGeneration;
  /** Called before the daemon starts, with empty pools. */
  readonly prepare?: () => void;
  /** Called with the driver before the daemon starts. */
  readonly prepareDriver?: (driver: ServiceDriver) => void;
}

/** A guest whose daemon has registered; disposing ends all of it. */
export interface Guest<Driver, Host> extends AsyncDisposable {
  readonly bus: FakeVmbus;
  readonly driver: Driver;
  readonly host: Host;
  readonly daemon: DaemonProcess;
}

export function startKvp(
  program: DaemonProgram,
  options: GuestOptions = {},
): Promise<Guest<KvpDriver, KvpHost>> {
  return start(
    program,
    options,
    (bus) => bus.offerKvp(),
    (driver) => new KvpHost(driver),
  );
}

export function startVss(
  program: DaemonProgram,
  options: GuestOptions = {},
): Promise<Guest<VssDriver, VssHost>> {
  return start(
    program,
    options,
    (bus) => bus.offerVss(),
    (driver) => new VssHost(driver),
  );
}

export function startFcopy(
  program: DaemonProgram,
  options: GuestOptions = {},
): Promise<Guest<FcopyDriver, FcopyHost>> {
  return start(
    program,
    options,
    (bus) => bus.offerFcopy(),
    (driver) => new FcopyHost(driver),
  );
}

async function start<Driver extends ServiceDriver, Host>(
  program: DaemonProgram,
  options: GuestOptions,
  offer: (bus: FakeVmbus) => Driver,
  connect: (driver: Driver) => Host,
): Promise<Guest<Driver, Host>> {
  emptyPools();
  options.prepare?.();
  const bus = new FakeVmbus(options.generation);
  const driver = offer(bus);
  options.prepareDriver?.(driver);
  const daemon = new DaemonProcess(program, options);
  const dispose = async () => {
    await daemon[Symbol.asyncDispose]();
    bus.close();
  };
  const ended = daemon.exitStatus();
  const status = await Promise.race([driver.ready().then(() => undefined), ended]);
  if (status !== undefined) {
    bus.close();
    throw new Error(`${program.title} ended with status ${status}: ${await daemon.stderr()}`);
  }
  return { bus, driver, host: connect(driver), daemon, [Symbol.asyncDispose]: dispose };
}

/** A bus without a daemon, for tests that start their own. */
export function emptyBus(): FakeVmbus & Disposable {
  emptyPools();
  const bus = new FakeVmbus();
  return Object.assign(bus, { [Symbol.dispose]: () => bus.close() });
}

export function emptyPools(): void {
  for (const name of readdirSync(poolDirectory)) {
    rmSync(join(poolDirectory, name), { recursive: true });
  }
}
