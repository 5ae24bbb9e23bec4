// The names of the daemons that hvguest replaces: called by one, it is that daemon.

import type { ServiceName } from "../services/service.ts";

/** Linux's own names (tools/hv) and those of Fedora, RHEL and their clones. */
export const daemonServices: ReadonlyMap<string, ServiceName> = new Map([
  ["hv_kvp_daemon", "kvp"],
  ["hypervkvpd", "kvp"],
  ["hv_vss_daemon", "vss"],
  ["hypervvssd", "vss"],
  ["hv_fcopy_daemon", "fcopy"],
  ["hv_fcopy_uio_daemon", "fcopy"],
  ["hypervfcopyd", "fcopy"],
]);
