// The parts of the KVP service on this machine.

import { IpInjector } from "../network/ip-injector.ts";
import { NetworkReporter } from "../network/ip-report.ts";
import type { ServiceContext } from "../service.ts";
import type { KvpParts } from "./kvp-service.ts";
import { PoolStore } from "./pool-store.ts";

/** Pools and network of this machine; `onNetworkChange` is called after each change. */
export function machineParts(
  context: ServiceContext,
  onNetworkChange: () => void,
): Omit<KvpParts, "intrinsics"> {
  const network = new NetworkReporter({
    paths: context.paths,
    ignoreInterfaces: () => context.settings().network.ignore_interfaces,
    log: context.log,
    onChange: onNetworkChange,
  });
  network.start();
  const injector = new IpInjector({
    paths: context.paths,
    log: context.log,
    settings: () => context.settings().network,
    isFrozen: () => context.freezeState.frozen,
  });
  injector.start();
  const pools = new PoolStore(
    context.paths.pools,
    (text) => context.log.warning(text),
    () => context.freezeState.frozen,
  );
  pools.open();
  return {
    pools,
    network,
    applyIpInfo: (request, signal, arrived) => injector.apply(request, signal, arrived),
    settingsChanged: () => network.forget(),
    stop: () => network.stop(),
  };
}
