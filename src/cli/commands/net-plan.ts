// hvguest net plan: what `net apply` would do, without doing it.

import { planFor } from "../../services/network/configure.ts";
import { managerNames, type ManagerName, type Plan } from "../../services/network/plan.ts";
import { command, ExitStatus } from "../command.ts";
import { configureOptions, failuresTold, netContext, readWish } from "./net-context.ts";

interface PlanArguments {
  readonly file: string;
  readonly manager: ManagerName | "auto" | undefined;
  readonly json: boolean;
}

export const netPlan = command<PlanArguments>({
  usage: "plan <file>",
  description: "Show what applying a file would do",
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
  run: ({ file, manager, json }, { environment, print }) =>
    failuresTold(async () => {
      const context = netContext(environment);
      const { subject, request } = readWish(file, context);
      const plan = await planFor(subject, request, configureOptions(context, manager));
      print(json ? netPlanJson(plan) : netPlanText(plan));
      return ExitStatus.done;
    }),
});

function netPlanText({ manager, interfaceName, before, files, activate }: Plan): string {
  const step = ({ program, args }: Plan["activate"][number]) =>
    `run ${[program, ...args].join(" ")}\n`;
  const file = ({ path, text }: Plan["files"][number]) =>
    text === undefined
      ? `remove ${path}\n`
      : `write ${path}\n${text.replaceAll(/^(?=.)/gm, "    ")}`;
  return [
    `${interfaceName}: ${manager}\n`,
    ...before.map(step),
    ...files.map(file),
    ...activate.map(step),
  ].join("");
}

function netPlanJson(plan: Plan): string {
  return `${JSON.stringify({
    interface: plan.interfaceName,
    manager: plan.manager,
    before: plan.before.map(({ program, args }) => [program, ...args]),
    files: plan.files.map(({ path, text }) => ({ path, text: text ?? null })),
    activate: plan.activate.map(({ program, args }) => [program, ...args]),
    verified: plan.isVerified,
  })}\n`;
}
