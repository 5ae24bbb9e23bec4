// What the commands of `hvguest net` share: the configuration, the file, and how
// failures are told.

import type { Argv } from "yargs";
import { readConfiguration } from "../../agent/configuration.ts";
import { type NetworkInterface, networkInterfaces } from "../../platform/network.ts";
import { type Paths, pathsFrom } from "../../platform/paths.ts";
import { RequestError } from "../../protocol/status.ts";
import { ApplyError } from "../../services/network/apply-plan.ts";
import type { ConfigureOptions } from "../../services/network/configure.ts";
import type { IpRequest } from "../../services/network/ip-request.ts";
import { PlanError } from "../../services/network/manager.ts";
import {
  NetworkFileError,
  parseNetworkFile,
  requestOf,
  subjectOf,
} from "../../services/network/network-file.ts";
import { DamagedJournal } from "../../services/network/undo-journal.ts";
import { kernelSource } from "../../services/network/network-source.ts";
import { type ManagerName, managerNames } from "../../services/network/plan.ts";
import type { Settings } from "../../services/settings.ts";
import { CommandError, ExitStatus } from "../command.ts";
import { inputText } from "../input.ts";

export interface NetContext {
  readonly paths: Paths;
  readonly settings: Settings["network"];
}

/** @throws ConfigurationError */
export function netContext(environment: Readonly<Record<string, string | undefined>>): NetContext {
  const paths = pathsFrom(environment);
  return { paths, settings: readConfiguration(paths.configuration).network };
}

/** `manager` instead of the configuration's, when it is given. */
export function configureOptions(
  { paths, settings }: NetContext,
  manager?: ManagerName | "auto",
): ConfigureOptions {
  return { paths, manager: manager ?? settings.manager, source: kernelSource };
}

/** Far more than all addresses that a host can tell. */
const maxWishBytes = 1024 * 1024;

/**
 * The interface and the wish in a file; `-` is standard input.
 * @throws CommandError, UsageError, NativeError
 */
export async function readWish(
  path: string,
  { paths }: NetContext,
): Promise<{ readonly subject: NetworkInterface; readonly request: IpRequest }> {
  const text = await inputText(path, maxWishBytes);
  try {
    const file = parseNetworkFile(text);
    const subject = subjectOf(file, networkInterfaces(kernelSource.read(), paths.sys));
    return { subject, request: requestOf(file, subject) };
  } catch (error) {
    if (error instanceof NetworkFileError) {
      const name = path === "-" ? "standard input" : `'${path}'`;
      throw new CommandError(`${name}: ${error.message}`, ExitStatus.failed, { cause: error });
    }
    throw error;
  }
}

/** What went wrong with the network is one line; what is a bug stays one. */
export async function failuresTold<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isTold =
      error instanceof PlanError ||
      error instanceof ApplyError ||
      error instanceof RequestError ||
      error instanceof DamagedJournal ||
      (error instanceof Error && "code" in error);
    throw isTold ? new CommandError(textOf(error), ExitStatus.failed, { cause: error }) : error;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What `net plan` and `net apply` are given. */
export interface WishArguments {
  readonly file: string;
  readonly manager: ManagerName | "auto" | undefined;
  readonly json: boolean;
}

/** The options of both: what is planned is what would be applied. */
export function wishOptions(yargs: Argv): Argv<WishArguments> {
  return yargs
    .positional("file", {
      type: "string",
      demandOption: true,
      describe: "JSON with adapter, dhcp, addresses, gateways, dnsServers; - is standard input",
    })
    .option("manager", {
      choices: ["auto", ...managerNames] as const,
      describe: "Who puts addresses in force, instead of the configuration's",
    })
    .option("json", { type: "boolean", default: false, describe: "Print one JSON object" });
}
