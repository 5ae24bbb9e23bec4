// hvguest uninstall: takes out what hvguest install put in.

import { uninstall } from "../../image/uninstall.ts";
import { command, CommandError, ExitStatus } from "../command.ts";
import { changesJson, changesText, refusalsTold, rootOf } from "./install.ts";

interface UninstallArguments {
  readonly root: string;
  readonly purge: boolean;
  readonly "dry-run": boolean;
  readonly json: boolean;
}

export const uninstallCommand = command<UninstallArguments>({
  usage: "uninstall",
  description: "Remove what hvguest install put there",
  options: (yargs) =>
    yargs
      .option("root", {
        type: "string",
        default: "/",
        describe: "The root folder of a mounted image; nothing in it is run",
      })
      .option("purge", {
        type: "boolean",
        default: false,
        describe: "Remove changed files, settings and pools too",
      })
      .option("dry-run", {
        type: "boolean",
        default: false,
        describe: "Only say what would be done",
      })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: (args, { print }) => {
    const root = rootOf(args.root);
    const dryRun = args["dry-run"];
    const changes = refusalsTold(() => uninstall({ root, purge: args.purge, dryRun }));
    if (changes === undefined) {
      throw new CommandError("hvguest was not installed there by 'hvguest install'");
    }
    print(args.json ? changesJson(root, dryRun, changes) : changesText(changes));
    return ExitStatus.done;
  },
});
