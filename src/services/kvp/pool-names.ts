// The pools by number and by name (enum hv_kvp_exchg_pool, include/uapi/linux/hyperv.h).

/** In the order of their numbers. */
export const poolNames = ["external", "guest", "auto", "auto-external", "auto-internal"] as const;

export type PoolName = (typeof poolNames)[number];

/** HV_KVP_POOL_COUNT */
export const poolCount = poolNames.length;

/** Where a pool is kept: the names that all programs of a guest look for. */
export function poolPath(directory: string, pool: number): string {
  return `${directory}/.kvp_pool_${pool}`;
}

/** The number of a pool given by name or number; undefined for anything else. */
export function poolNumber(text: string): number | undefined {
  const named = poolNames.findIndex((name) => name === text);
  if (named >= 0) {
    return named;
  }
  return /^[0-4]$/.test(text) ? Number(text) : undefined;
}
