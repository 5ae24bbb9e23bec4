// hvguest net rollback: takes the last change back, whoever asked for it.

import { undoLast } from "../../services/network/configure.ts";
import { command, CommandError, ExitStatus } from "../command.ts";
import { failuresTold, netContext } from "./net-context.ts";

export const netRollback = command<{ readonly json: boolean }>({
  usage: "rollback",
  description: "Take the last change of addresses back, the host's or one by hand",
  options: (yargs) =>
    yargs.option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ json }, { environment, print }) =>
    failuresTold(async () => {
      const { paths } = netContext(environment);
      const undone = await undoLast(paths);
      if (undone === undefined) {
        throw new CommandError("there is no change to take back");
      }
      const { interfaceName, manager, complaints } = undone;
      print(
        json
          ? `${JSON.stringify({ interface: interfaceName, manager, complaints: complaints.replace(/^, but /, "") })}\n`
          : `${interfaceName}: ${manager}: taken back${complaints}\n`,
      );
      return ExitStatus.done;
    }),
});
