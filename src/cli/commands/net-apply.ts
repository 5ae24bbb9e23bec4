// hvguest net apply: the same code as for a host's SET_IP_INFO, by hand.

import { configure } from "../../services/network/configure.ts";
import { managerNames, type ManagerName } from "../../services/network/plan.ts";
import { command, ExitStatus } from "../command.ts";
import { configureOptions, failuresTold, netContext, readWish } from "./net-context.ts";

interface ApplyArguments {
  readonly file: string;
  readonly manager: ManagerName | "auto" | undefined;
  readonly json: boolean;
}

export const netApply = command<ApplyArguments>({
  usage: "apply <file>",
  description: "Give an adapter the addresses in a file, or leave all as it was",
  options: (yargs) =>
    yargs
      .positional("file", {
        type: "string",
        demandOption: true,
        describe: "JSON with adapter, dhcp, addresses, gateways, dnsServers; - is standard input",
      })
      .option("manager", {
        choices: ["auto", ...managerNames] as const,
        describe: "Who puts addresses in force, instead of the configuration's",
      })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ file, manager, json }, { environment, print, signal }) =>
    failuresTold(async () => {
      const context = netContext(environment);
      const { subject, request } = readWish(file, context);
      const options = configureOptions(context, manager);
      const done = await configure(subject, request, options, signal);
      print(
        json
          ? `${JSON.stringify({ interface: done.interfaceName, manager: done.manager, outcome: done.outcome })}\n`
          : `${done.interfaceName}: ${done.manager}: ${done.outcome}\n`,
      );
      return ExitStatus.done;
    }),
});
