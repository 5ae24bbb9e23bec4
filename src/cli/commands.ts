// Every command of `hvguest`, in the order of its help.

import type { Command } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { fcopyCommand } from "./commands/fcopy.ts";
import { installCommand } from "./commands/install.ts";
import { kvpCommand } from "./commands/kvp.ts";
import { lsvmbus } from "./commands/lsvmbus.ts";
import { net } from "./commands/net.ts";
import { report } from "./commands/report.ts";
import { seed } from "./commands/seed.ts";
import { status } from "./commands/status.ts";
import { uninstallCommand } from "./commands/uninstall.ts";
import { vssCommand } from "./commands/vss.ts";

export const commands: readonly Command[] = [
  kvpCommand,
  net,
  vssCommand,
  fcopyCommand,
  status,
  doctor,
  lsvmbus,
  seed,
  report,
  installCommand,
  uninstallCommand,
];
