// Every scenario of the lab.

import type { Scenario } from "../runner/scenario.ts";
import { fcopyBasics } from "./fcopy-basics.ts";
import { kernelServices } from "./kernel-services.ts";
import { kvpMalformed } from "./kvp-malformed.ts";
import { kvpPools } from "./kvp-pools.ts";
import { kvpText } from "./kvp-text.ts";
import { vssBasics } from "./vss-basics.ts";

export const scenarios: readonly Scenario[] = [
  ...kvpPools,
  ...kvpText,
  ...kvpMalformed,
  ...vssBasics,
  ...fcopyBasics,
  ...kernelServices,
];
