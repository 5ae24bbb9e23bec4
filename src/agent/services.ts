// Makes the services. Each is loaded only when it is run.

import type { Service, ServiceContext, ServiceName } from "../services/service.ts";

/** In the order in which they start: file systems that are still frozen are thawed first. */
export const serviceNames: readonly ServiceName[] = ["vss", "kvp", "fcopy"];

/** A service, not yet connected. */
export async function createService(name: ServiceName, context: ServiceContext): Promise<Service> {
  switch (name) {
    case "kvp": {
      const { createKvpService } = await import("../services/kvp/kvp-service.ts");
      return createKvpService(context);
    }
    case "vss": {
      const { createVssService } = await import("../services/vss/vss-service.ts");
      return createVssService(context);
    }
    case "fcopy": {
      const { createFcopyService } = await import("../services/fcopy/fcopy-service.ts");
      return createFcopyService(context);
    }
  }
}
