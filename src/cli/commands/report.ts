// hvguest report: tells the host that provisioning is done, or why it failed.

import { encodeReport, reportKey } from "../../image/provisioning-report.ts";
import { virtualMachineId } from "../../platform/machine-id.ts";
import { pathsFrom } from "../../platform/paths.ts";
import { PoolError } from "../../services/kvp/pool-record.ts";
import { PoolStore } from "../../services/kvp/pool-store.ts";
import {
  type Command,
  command,
  CommandError,
  type CommandContext,
  ExitStatus,
  UsageError,
} from "../command.ts";

/** What the guest tells the host (GuestExchangeItems). */
const guestPool = 1;

const defaultUrl = "https://aka.ms/linuxprovisioningerror";

interface ReportArguments {
  readonly agent: string;
  readonly detail: readonly string[] | undefined;
  readonly json: boolean;
}

interface FailureArguments extends ReportArguments {
  readonly reason: string;
  readonly "documentation-url": string;
}

const ready = command<ReportArguments>({
  usage: "ready",
  description: "Report that provisioning succeeded",
  options: (yargs) =>
    yargs
      .option("agent", {
        type: "string",
        default: "hvguest",
        describe: "The program that provisions, with its version",
      })
      .option("detail", {
        type: "string",
        array: true,
        describe: "A further fact, NAME=VALUE; may be given more than once",
      })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: (args, context) => send(args, context, undefined, undefined),
});

const failure = command<FailureArguments>({
  usage: "failure <reason>",
  description: "Report that provisioning failed, and why",
  options: (yargs) =>
    yargs
      .positional("reason", { type: "string", demandOption: true, describe: "Why, in words" })
      .option("agent", {
        type: "string",
        default: "hvguest",
        describe: "The program that provisions, with its version",
      })
      .option("documentation-url", {
        type: "string",
        default: defaultUrl,
        describe: "Where the failure is explained",
      })
      .option("detail", {
        type: "string",
        array: true,
        describe: "A further fact, NAME=VALUE; may be given more than once",
      })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: (args, context) => send(args, context, args.reason, args["documentation-url"]),
});

export const report: Command = {
  usage: "report",
  description: "Report to the host how provisioning went",
  commands: [ready, failure],
};

function send(
  args: ReportArguments,
  { environment, print, complain }: CommandContext,
  reason: string | undefined,
  documentationUrl: string | undefined,
): ExitStatus {
  const paths = pathsFrom(environment);
  const value = encodeReport({
    failure: reason,
    agent: args.agent === "hvguest" ? `hvguest/${HVGUEST_VERSION}` : args.agent,
    vmId: virtualMachineId(paths) ?? "unknown",
    time: new Date(),
    documentationUrl,
    details: (args.detail ?? []).map(detailOf),
  });
  try {
    new PoolStore(paths.pools, complain).set(guestPool, reportKey, value);
  } catch (error) {
    if (error instanceof PoolError) {
      throw new CommandError(error.message, ExitStatus.failed, { cause: error });
    }
    throw error;
  }
  print(args.json ? `${JSON.stringify({ key: reportKey, value })}\n` : "");
  return ExitStatus.done;
}

function detailOf(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at < 1) {
    throw new UsageError(`--detail: '${text}' is not NAME=VALUE`);
  }
  return [text.slice(0, at), text.slice(at + 1)];
}
