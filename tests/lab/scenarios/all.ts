// Every scenario of the lab.

import type { Scenario } from "../runner/scenario.ts";
import { fcopyBasics } from "./fcopy-basics.ts";
import { kernelServices } from "./kernel-services.ts";
import { kvpBasics } from "./kvp-basics.ts";
import { vssBasics } from "./vss-basics.ts";

export const scenarios: readonly Scenario[] = [
  ...kvpBasics,
  ...vssBasics,
  ...fcopyBasics,
  ...kernelServices,
];
