// hvguest kvp: the pools for the guest's own scripts.

import type { Argv } from "yargs";
import { command } from "../command.ts";
import { appendCommand, setCommand, writeCommand } from "./kvp/set.ts";
import { clearCommand, isStaleCommand } from "./kvp/clear.ts";
import { deleteCommand, deleteMultipleCommand } from "./kvp/delete.ts";
import { exportCommand } from "./kvp/export.ts";
import { getCommand } from "./kvp/get.ts";
import { appendMultipleCommand, importCommand, loadCommand } from "./kvp/import.ts";
import { infoCommand } from "./kvp/info.ts";
import { dumpCommand, entriesCommand, listCommand } from "./kvp/list.ts";
import type { PoolArguments } from "./kvp/pool-choice.ts";
import { waitCommand } from "./kvp/wait.ts";
import { watchCommand } from "./kvp/watch.ts";

export const kvpCommand = command<PoolArguments>({
  usage: "kvp",
  description: "Read and change the key-value pairs exchanged with the host",
  options: (yargs: Argv) =>
    yargs
      .option("pool", {
        type: "string",
        default: "guest",
        requiresArg: true,
        describe:
          "external (0, from the host), guest (1, to the host), auto (2), auto-external (3), auto-internal (4)",
      })
      .option("dir", {
        type: "string",
        requiresArg: true,
        describe: "The directory of the pool files instead of /var/lib/hyperv",
      })
      .option("json", { type: "boolean", default: false, describe: "Print JSON" })
      .option("wire-limits", {
        alias: "unsafe",
        type: "boolean",
        default: false,
        describe:
          "Allow keys of 511 and values of 2047 bytes, which the host may see cut, instead of 254 and 1022",
      }),
  commands: [
    listCommand,
    getCommand,
    setCommand,
    appendCommand,
    deleteCommand,
    clearCommand,
    importCommand,
    exportCommand,
    waitCommand,
    watchCommand,
    infoCommand,
    dumpCommand,
    entriesCommand,
    writeCommand,
    loadCommand,
    appendMultipleCommand,
    deleteMultipleCommand,
    isStaleCommand,
  ],
});
