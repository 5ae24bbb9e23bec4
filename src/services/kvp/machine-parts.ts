// The parts of the KVP service on this machine.

import { RequestError, Status } from "../../protocol/status.ts";
import { NetworkReporter } from "../network/ip-report.ts";
import type { ServiceContext } from "../service.ts";
import type { KvpParts } from "./kvp-service.ts";

/** Pools and network of this machine; `onNetworkChange` is called after each change. */
export function machineParts(
  context: ServiceContext,
  onNetworkChange: () => void,
): Omit<KvpParts, "intrinsics"> {
  const network = new NetworkReporter({
    paths: context.paths,
    ignoreInterfaces: context.settings().network.ignore_interfaces,
    log: context.log,
    onChange: onNetworkChange,
  });
  network.start();
  const pools = [0, 1, 2, 3, 4].map(() => new Map<string, string>());
  return {
    pools: {
      record: (pool, index) => {
        const entry = [...(pools[pool] ?? [])][index];
        return entry === undefined ? undefined : { key: entry[0], value: entry[1] };
      },
      get: (pool, key) => pools[pool]?.get(key),
      set: (pool, key, value) => {
        pools[pool]?.set(key, value);
      },
      delete: (pool, key) => pools[pool]?.delete(key) ?? false,
    },
    network,
    applyIpInfo: () => Promise.reject(new RequestError(Status.notSupported, "not supported")),
    stop: () => network.stop(),
  };
}
