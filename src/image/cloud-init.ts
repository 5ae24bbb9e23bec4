// Which of cloud-init's files decides where it looks for its data: of those that set
// the list, the last in the order of names (read_conf_d of cloudinit/util.py).

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { targetInRoot } from "./root-path.ts";

/** Ours: behind 90_dpkg.cfg, in which Debian's package keeps its list of all sources. */
export const cloudInitPath = "/etc/cloud/cloud.cfg.d/99-hvguest.cfg";

/** The files of the image that set `datasource_list` and are read after ours. */
export function laterDatasourceLists(root: string): string[] {
  const folder = dirname(cloudInitPath);
  const place = targetInRoot(root, folder);
  if (!existsSync(place)) {
    return [];
  }
  return readdirSync(place)
    .filter((name) => name.endsWith(".cfg") && name > basename(cloudInitPath))
    .sort()
    .map((name) => `${folder}/${name}`)
    .filter((path) => setsDatasourceList(targetInRoot(root, path)));
}

/** A broken link, or a folder, sets nothing. */
function setsDatasourceList(place: string): boolean {
  const isFile = statSync(place, { throwIfNoEntry: false })?.isFile() === true;
  return isFile && /^["']?datasource_list["']?\s*:/m.test(readFileSync(place, "utf8"));
}
