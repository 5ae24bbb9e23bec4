// hvguest net apply: the same code as for a host's SET_IP_INFO, by hand.

import { configure } from "../../services/network/configure.ts";
import { command, ExitStatus } from "../command.ts";
import {
  configureOptions,
  failuresTold,
  netContext,
  readWish,
  type WishArguments,
  wishOptions,
} from "./net-context.ts";

export const netApply = command<WishArguments>({
  usage: "apply <file>",
  description: "Give an adapter the addresses in a file, or leave all as it was",
  options: wishOptions,
  run: ({ file, manager, json }, { environment, print, signal }) =>
    failuresTold(async () => {
      const context = netContext(environment);
      const { subject, request } = await readWish(file, context);
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
