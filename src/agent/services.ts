// Makes the services. Each is loaded only when it is run.

import type { Service, ServiceContext, ServiceName } from "../services/service.ts";

export const serviceNames: readonly ServiceName[] = ["kvp"];

/** A service, not yet connected. */
export async function createService(name: ServiceName, context: ServiceContext): Promise<Service> {
  switch (name) {
    case "kvp": {
      const { createKvpService } = await import("../services/kvp/kvp-service.ts");
      return createKvpService(context);
    }
    case "vss":
    case "fcopy":
      throw new Error(`the service ${name} is not built yet`);
  }
}
