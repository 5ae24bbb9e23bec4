// The section [vss] of the configuration.

import {
  absolutePath,
  boolean,
  integer,
  oneOf,
  type Section,
  textList,
  type ValuesOf,
} from "../setting.ts";

/** Where hooks of hvguest, of QEMU's guest agent and of open-vm-tools are. */
const hookPlaces = [
  "/etc/hvguest/vss.d",
  "/etc/qemu/fsfreeze-hook.d",
  "/etc/qemu-ga/fsfreeze-hook.d",
  "/etc/vmware-tools/backupScripts.d",
];

export const vssSettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
  include: textList(
    ["**"],
    "Mount points to freeze, as patterns: `*` within a name, `**` across directories.",
    absolutePattern,
  ),
  exclude: textList(
    [],
    "Mount points never to freeze, as patterns; they win over `include`.",
    absolutePattern,
  ),
  deadline_seconds: integer(
    120,
    { min: 1, max: 840 },
    "No file system stays frozen longer, whatever the host does; Windows gives a backup 60 s.",
  ),
  already_frozen: oneOf(
    ["fail", "ignore"],
    "fail",
    "What to do about a file system that somebody else has frozen: fail the backup, or leave it out.",
  ),
  hooks: textList(
    hookPlaces,
    "Programs to run before the freeze and after the thaw, and directories of them.",
    absolutePath,
  ),
  hook_seconds: integer(
    60,
    { min: 1, max: 600 },
    "How long one of them may take; all together may take 600 s before the freeze.",
  ),
} satisfies Section;

export type VssSettings = ValuesOf<typeof vssSettings>;

function absolutePattern(value: string): string | undefined {
  return value.startsWith("/") || value.startsWith("**")
    ? undefined
    : "need a pattern of absolute paths";
}
