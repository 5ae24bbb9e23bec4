// The files of the backup service. They are in /run, which is never frozen.

import type { Paths } from "../../platform/paths.ts";

export interface VssFiles {
  /** Locked and not empty while file systems are frozen. */
  readonly marker: string;
  /** What became of the last freeze. */
  readonly lastFreeze: string;
}

export function vssFiles({ run }: Pick<Paths, "run">): VssFiles {
  return { marker: `${run}/vss-frozen`, lastFreeze: `${run}/vss.json` };
}
