// Makes the services. Each is loaded only when it is run.

import type { Service, ServiceContext, ServiceName } from "../services/service.ts";

export const serviceNames: readonly ServiceName[] = ["kvp", "vss", "fcopy"];

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
