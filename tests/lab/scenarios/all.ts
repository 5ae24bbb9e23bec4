// Every scenario of the lab.

import type { Scenario } from "../runner/scenario.ts";
import { fcopyBasics } from "./fcopy-basics.ts";
import { fcopyFiles } from "./fcopy-files.ts";
import { fcopyOrder } from "./fcopy-order.ts";
import { fcopyRing } from "./fcopy-ring.ts";
import { fuzzing } from "./fuzz.ts";
import { kernelServices } from "./kernel-services.ts";
import { kvpCloudInit } from "./kvp-cloud-init.ts";
import { kvpCoincidences } from "./kvp-coincidences.ts";
import { kvpFiles } from "./kvp-files.ts";
import { kvpLifecycle } from "./kvp-lifecycle.ts";
import { kvpMalformed } from "./kvp-malformed.ts";
import { kvpNames } from "./kvp-names.ts";
import { kvpNetwork } from "./kvp-network.ts";
import { kvpOddGuests } from "./kvp-odd-guests.ts";
import { kvpOffers } from "./kvp-offers.ts";
import { kvpPools } from "./kvp-pools.ts";
import { kvpSuites } from "./kvp-suites.ts";
import { kvpSurroundings } from "./kvp-surroundings.ts";
import { kvpText } from "./kvp-text.ts";
import { network } from "./network.ts";
import { networkManagers } from "./network-managers.ts";
import { vssAccidents } from "./vss-accidents.ts";
import { vssBasics } from "./vss-basics.ts";
import { vssFreeze } from "./vss-freeze.ts";
import { vssRoot } from "./vss-root.ts";

export const scenarios: readonly Scenario[] = [
  ...kvpPools,
  ...kvpText,
  ...kvpMalformed,
  ...kvpFiles,
  ...kvpNetwork,
  ...kvpNames,
  ...kvpSuites,
  ...kvpOffers,
  ...kvpLifecycle,
  ...kvpSurroundings,
  ...kvpCoincidences,
  ...kvpOddGuests,
  ...kvpCloudInit,
  ...vssBasics,
  ...vssFreeze,
  ...vssAccidents,
  ...vssRoot,
  ...fcopyBasics,
  ...fcopyFiles,
  ...fcopyOrder,
  ...fcopyRing,
  ...fuzzing,
  ...kernelServices,
  ...network,
  ...networkManagers,
];
