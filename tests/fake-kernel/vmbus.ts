// The fake kernel: /dev/vmbus with the devices of the services that the host offers.

import { rmSync, writeFileSync } from "node:fs";
import { FcopyDriver } from "./fcopy-driver.ts";
import { FuseDirectory } from "./fuse-directory.ts";
import { currentKernel, type KernelGeneration, type ServiceDriver } from "./service-driver.ts";
import { KvpDriver } from "./kvp-driver.ts";
import { VssDriver } from "./vss-driver.ts";

const DIRECTORY = "/dev/vmbus";

/** Set inside tests/fake-kernel/private-machine.sh; the fake never mounts over a real /dev. */
export function isPrivateMachine(): boolean {
  return process.env["HVGUEST_PRIVATE_MACHINE"] === "1";
}

export class FakeVmbus {
  readonly #directory = new FuseDirectory(DIRECTORY);
  readonly #generation: KernelGeneration;

  constructor(generation: KernelGeneration = currentKernel) {
    this.#generation = generation;
  }

  offerKvp(): KvpDriver {
    return this.#offer(new KvpDriver(this.#generation));
  }

  offerVss(): VssDriver {
    return this.#offer(new VssDriver(this.#generation));
  }

  offerFcopy(): FcopyDriver {
    return this.#offer(new FcopyDriver(this.#generation));
  }

  /**
   * The host takes a service back: its device hangs up, and is gone once the daemon has
   * closed it. Resolves then.
   */
  async rescind(driver: ServiceDriver): Promise<void> {
    await driver.transport.destroy();
    this.#directory.remove(driver.device);
    announceDeviceChange();
  }

  /** Ends all of it; a daemon that still has a device open gets errors. */
  close(): void {
    this.#directory.close();
  }

  #offer<D extends ServiceDriver>(driver: D): D {
    this.#directory.put(driver.device, driver.transport);
    announceDeviceChange();
    return driver;
  }
}

/** The kernel makes no inotify events for changes that a FUSE server makes itself. */
function announceDeviceChange(): void {
  const file = "/dev/.hvguest-device-change";
  writeFileSync(file, "");
  rmSync(file);
}
