// Makes the services. Each is loaded only when it is run.

import type { Service, ServiceContext, ServiceName } from "../services/service.ts";

export const serviceNames: readonly ServiceName[] = ["kvp", "fcopy"];

/** A service, not yet connected. */
export async function createService(name: ServiceName, context: ServiceContext): Promise<Service> {
  switch (name) {
    case "kvp": {
      const { createKvpService } = await import("../services/kvp/kvp-service.ts");
      return createKvpService(context);
    }
    case "fcopy": {
      const { createFcopyService } = await import("../services/fcopy/fcopy-service.ts");
      return createFcopyService(context);
    }
    case "vss":
      throw new Error(`the service ${name} is not built yet`);
  }
}
