// `hvguest vss`: live backup, seen from inside of the guest.

import { printable } from "../../log.ts";
import { pathsFrom } from "../../platform/paths.ts";
import { lastFreezeText, readLastFreeze } from "../../services/vss/last-freeze.ts";
import { frozenNow } from "../../services/vss/left-behind.ts";
import { vssFiles } from "../../services/vss/vss-files.ts";
import { command, ExitStatus } from "../command.ts";
import { vssFreeze, vssThaw } from "./vss-freeze.ts";
import { vssCheck, vssList } from "./vss-list.ts";

const vssStatus = command<{ json: boolean }>({
  usage: "status",
  description: "Show whether anything is frozen, and what became of the last freeze",
  options: (yargs) =>
    yargs.option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ json }, { environment, print }) => {
    const files = vssFiles(pathsFrom(environment));
    const frozen = frozenNow(files.marker);
    const last = readLastFreeze(files.lastFreeze);
    if (json) {
      print(`${JSON.stringify({ frozen, last })}\n`);
    } else {
      print(
        frozen.length === 0 ? "nothing is frozen\n" : `frozen: ${printable(frozen.join(", "))}\n`,
      );
      print(last === undefined ? "no freeze since the start\n" : `${lastFreezeText(last)}\n`);
    }
    return ExitStatus.done;
  },
});

export const vssCommand = command({
  usage: "vss",
  description: "Freeze and thaw for backups: list, check, freeze, thaw, status",
  commands: [vssList, vssCheck, vssFreeze, vssThaw, vssStatus],
});
