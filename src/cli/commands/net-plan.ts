// hvguest net plan: what `net apply` would do, without doing it.

import { planFor } from "../../services/network/configure.ts";
import type { Plan } from "../../services/network/plan.ts";
import { command, ExitStatus } from "../command.ts";
import {
  configureOptions,
  failuresTold,
  netContext,
  readWish,
  type WishArguments,
  wishOptions,
} from "./net-context.ts";

export const netPlan = command<WishArguments>({
  usage: "plan <file>",
  description: "Show what applying a file would do",
  options: wishOptions,
  run: ({ file, manager, json }, { environment, print }) =>
    failuresTold(async () => {
      const context = netContext(environment);
      const { subject, request } = await readWish(file, context);
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
