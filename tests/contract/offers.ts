// Each service on the fake kernel by its name, for tests that are the same for all.

import type { ServiceName } from "../../src/services/service.ts";
import type { ServiceDriver } from "../fake-kernel/service-driver.ts";
import type { FakeVmbus } from "../fake-kernel/vmbus.ts";

/** The services whose daemons are compared. */
export const services = ["kvp", "vss", "fcopy"] as const satisfies readonly ServiceName[];

export function offer(bus: FakeVmbus, service: ServiceName): ServiceDriver {
  switch (service) {
    case "kvp":
      return bus.offerKvp();
    case "vss":
      return bus.offerVss();
    case "fcopy":
      return bus.offerFcopy();
  }
}
