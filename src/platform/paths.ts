// Where things are. `HVGUEST_ROOT` (or --root) moves what hvguest owns;
// `HVGUEST_KERNEL_ROOT` moves what the kernel shows, for tests.

import { resolve } from "node:path";

export interface Paths {
  /** Before every other file of the system, such as /etc/resolv.conf: empty, or a directory. */
  readonly root: string;
  /** /etc/hvguest */
  readonly configuration: string;
  /** /run/hvguest: gone after a reboot. */
  readonly run: string;
  /** /var/lib/hyperv: the pool files, where every other program looks for them. */
  readonly pools: string;
  readonly dev: string;
  readonly sys: string;
  readonly proc: string;
}

export function pathsFrom(
  environment: Readonly<Record<string, string | undefined>>,
  rootDirectory = environment["HVGUEST_ROOT"] ?? "",
): Paths {
  const root = prefix(rootDirectory);
  const kernelRoot = prefix(environment["HVGUEST_KERNEL_ROOT"] ?? "");
  return {
    root,
    configuration: `${root}/etc/hvguest`,
    run: `${root}/run/hvguest`,
    pools: `${root}/var/lib/hyperv`,
    dev: `${kernelRoot}/dev`,
    sys: `${kernelRoot}/sys`,
    proc: `${kernelRoot}/proc`,
  };
}

/** What stands before an absolute path: the agent changes its current directory. */
function prefix(directory: string): string {
  const absolute = directory === "" ? "/" : resolve(directory);
  return absolute === "/" ? "" : absolute;
}
