// Backups under the fuzzer, on a machine without a file system to freeze.

import { VSS_MESSAGE_BYTES, VssDriver } from "../fake-kernel/vss-driver.ts";
import { VssHost } from "../fake-kernel/vss-host.ts";
import { disturb, type FuzzTarget, statusFault } from "./target.ts";

export const vssTarget: FuzzTarget = {
  service: "vss",
  offer: (bus) => bus.offerVss(),
  message: (random) => {
    if (random.once(300)) {
      return random.bytes(random.below(64) + 1);
    }
    const message = Buffer.alloc(VSS_MESSAGE_BYTES);
    message[0] = random.once(10) ? random.below(256) : random.pick([2, 5, 6]);
    return random.once(10) ? disturb(message, random) : message;
  },
  mustAnswer: (message) => message.length === VSS_MESSAGE_BYTES,
  faultOf: (reply) =>
    reply.length === VSS_MESSAGE_BYTES ? statusFault(reply) : `${reply.length} bytes`,
  canary: async (driver) => {
    if (!(driver instanceof VssDriver)) {
      throw new Error("not the driver of vss");
    }
    const host = new VssHost(driver);
    const statuses = [
      await host.thaw(),
      await host.check(),
      await host.freeze(),
      await host.thaw(),
    ];
    if (statuses.some((status) => status !== 0)) {
      throw new Error(`thaw, check, freeze, thaw: ${statuses.join(", ")}`);
    }
  },
};
