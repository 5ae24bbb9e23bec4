// Plans freezes on this machine, with its mounts and its configuration.

import { backingFiles } from "../../platform/block-stack.ts";
import { mountinfoOf, parseMounts } from "../../platform/mounts.ts";
import type { Paths } from "../../platform/paths.ts";
import { type FreezePlan, planFreeze } from "./freeze-plan.ts";
import type { VssSettings } from "./vss-settings.ts";

/** Keeps the last plan: between the host's check and its freeze, mounts rarely change. */
export class Planner {
  readonly #paths: Paths;
  readonly #settings: () => Pick<VssSettings, "include" | "exclude">;
  #last: { readonly key: string; readonly plan: FreezePlan } | undefined;

  constructor(paths: Paths, settings: () => Pick<VssSettings, "include" | "exclude">) {
    this.#paths = paths;
    this.#settings = settings;
  }

  /** What would be frozen now, from scratch. @throws Error when /proc cannot be read */
  plan(): FreezePlan {
    this.#last = undefined;
    return this.current();
  }

  /** As {@link plan}, but the last plan if the mounts are still the same. */
  current(): FreezePlan {
    const mountinfo = mountinfoOf(`${this.#paths.proc}/self`);
    const { include, exclude } = this.#settings();
    const key = JSON.stringify([mountinfo, include, exclude]);
    if (this.#last?.key !== key) {
      const plan = planFreeze(parseMounts(mountinfo), {
        isIncluded: matcher(include),
        isExcluded: matcher(exclude),
        backingFiles: (mount) => backingFiles(mount, this.#paths),
      });
      this.#last = { key, plan };
    }
    return this.#last.plan;
  }
}

function matcher(patterns: readonly string[]): (path: string) => boolean {
  const globs = patterns.map((pattern) => new Bun.Glob(pattern));
  return (path) => globs.some((glob) => glob.match(path));
}
