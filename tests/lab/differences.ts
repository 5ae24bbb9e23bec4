// Why our daemon differs from the C daemons, where a host can see it. A difference
// that is not in here makes the lab fail.

import type { Explanation } from "./runner/compatibility.ts";

export const explanations: readonly Explanation[] = [];
