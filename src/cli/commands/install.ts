// hvguest install: puts this program and everything that belongs to it into an image.

import { closeSync, existsSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import {
  type Choices,
  choicesText,
  type InitSystem,
  initSystems,
  nameStyles,
  serviceNames,
} from "../../image/choices.ts";
import { laterDatasourceLists } from "../../image/cloud-init.ts";
import { type Change, choicesFor, install, InstallRefused } from "../../image/install.ts";
import { layout } from "../../image/layout.ts";
import { BrokenManifest } from "../../image/manifest.ts";
import { targetInRoot } from "../../image/root-path.ts";
import { command, type CommandContext, CommandError, ExitStatus, UsageError } from "../command.ts";
import { documents } from "../documentation/documents.ts";

/** Options that are undefined were not given: they are as the last time. */
interface InstallArguments {
  readonly root: string;
  readonly services: string | undefined;
  readonly names: string | undefined;
  readonly init: InitSystem | "auto" | undefined;
  readonly split: boolean | undefined;
  readonly "cloud-init": boolean | undefined;
  readonly replace: boolean | undefined;
  readonly binary: string | undefined;
  readonly "dry-run": boolean;
  readonly json: boolean;
}

export const installCommand = command<InstallArguments>({
  usage: "install",
  description: "Install hvguest into this system or an image, with the choices of the last time",
  options: (yargs) =>
    yargs
      .option("root", {
        type: "string",
        default: "/",
        describe: "The root folder of a mounted image; nothing in it is run",
      })
      .option("services", {
        type: "string",
        defaultDescription: "as the last time, or all",
        describe: "Only these services of kvp,vss,fcopy",
      })
      .option("names", {
        type: "string",
        defaultDescription: "as the last time, or linux,fedora",
        describe: "Names of daemons and units to link: linux (hv_*), fedora (hyperv*), or none",
      })
      .option("init", {
        choices: ["auto", ...initSystems] as const,
        defaultDescription: "as the last time, or auto",
        describe: "What starts the agent",
      })
      .option("split", {
        type: "boolean",
        defaultDescription: "as the last time, or no",
        describe: "A process and a unit for each service",
      })
      .option("cloud-init", {
        type: "boolean",
        defaultDescription: "as the last time, or no",
        describe: "Let cloud-init take its data from the host's KVP items",
      })
      .option("replace", {
        type: "boolean",
        defaultDescription: "as the last time, or no",
        describe: "Take the place of the distribution's own daemons",
      })
      .option("binary", { type: "string", describe: "Install this file instead of this program" })
      .option("dry-run", {
        type: "boolean",
        default: false,
        describe: "Only say what would be done",
      })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: (args, context) => refusalsTold(() => runInstall(args, context)),
});

function runInstall(
  args: InstallArguments,
  { commands, print, complain }: CommandContext,
): ExitStatus {
  const root = rootOf(args.root);
  const executable = executableOf(args.binary);
  const chosen = choicesOf(args);
  const choices = choicesFor(root, chosen);
  const { init = "auto", split = false, cloudInit = false } = choices;
  const initSystem = init === "auto" ? initSystemOf(root) : init;
  const entries = layout({
    services: choices.services ?? serviceNames,
    names: choices.names ?? nameStyles,
    init: initSystem,
    split,
    cloudInit,
    documents: documents(commands, HVGUEST_VERSION),
  });
  const changes = install({
    root,
    entries,
    executable,
    version: HVGUEST_VERSION,
    choices,
    dryRun: args["dry-run"],
  });
  print(args.json ? changesJson(root, args["dry-run"], changes) : changesText(changes));
  const asBefore = choicesText(choices, chosen);
  if (asBefore !== "") {
    complain(`as the last time: ${asBefore}`);
  }
  if (cloudInit) {
    for (const path of laterDatasourceLists(root)) {
      complain(`'${path}' sets datasource_list, too, and cloud-init obeys it: it is read last`);
    }
  }
  if (root === "" && initSystem === "systemd" && !args.json && !args["dry-run"]) {
    complain(`to start it now: ${startCommands(split)}`);
  }
  return ExitStatus.done;
}

/** What the command line says. @throws UsageError */
function choicesOf(args: InstallArguments): Choices {
  const { services, names } = args;
  return {
    services: listed("--services", services, serviceNames),
    names: names === "none" ? [] : listed("--names", names, nameStyles),
    init: args.init,
    split: args.split,
    cloudInit: args["cloud-init"],
    replace: args.replace,
  };
}

function startCommands(split: boolean): string {
  const units = split ? "hvguest-{kvp,vss,fcopy}.service" : "hvguest.service";
  return `systemctl daemon-reload && systemctl start hvguest-network.socket ${units}`;
}

/** "" for this machine, as the image modules want it. @throws UsageError */
export function rootOf(option: string): string {
  const root = resolve(option);
  // Empty is a variable of a script that was not set: not the current directory.
  if (option === "" || !existsSync(root) || !statSync(root).isDirectory()) {
    throw new UsageError(`--root: '${option}' is not a folder`);
  }
  return root === "/" ? "" : root;
}

export function changesText(changes: readonly Change[]): string {
  const told = changes.filter(({ change }) => change !== "unchanged");
  const lines = told.map(
    ({ path, change, note }) => `${change} '${path}'${note === undefined ? "" : `: ${note}`}`,
  );
  const unchanged = changes.length - told.length;
  return [...lines, ...(unchanged > 0 ? [`unchanged: ${unchanged}`] : [])]
    .map((line) => `${line}\n`)
    .join("");
}

export function changesJson(root: string, dryRun: boolean, changes: readonly Change[]): string {
  return `${JSON.stringify({ root: root === "" ? "/" : root, dry_run: dryRun, changes })}\n`;
}

function listed<T extends string>(
  option: string,
  list: string | undefined,
  known: readonly T[],
): T[] | undefined {
  return list?.split(",").map((word) => {
    const name = known.find((candidate) => candidate === word.trim());
    if (name === undefined) {
      throw new UsageError(`${option}: '${word}' is none of ${known.join(", ")}`);
    }
    return name;
  });
}

/** @throws UsageError when it is not a Linux program: a failed download, a script. */
function executableOf(option: string | undefined): string {
  const path = option ?? process.execPath;
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new UsageError(`--binary: '${path}' is not a file`);
  }
  if (!isElf(path)) {
    throw new UsageError(`--binary: '${path}' is not a program of Linux (ELF)`);
  }
  return path;
}

function isElf(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(4);
    readSync(fd, head);
    return head.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(fd);
  }
}

/** What the image starts its services with, judged by what is in it. */
function initSystemOf(root: string): InitSystem {
  const has = (path: string) => existsSync(targetInRoot(root, path));
  if (has("/usr/lib/systemd/systemd") || has("/lib/systemd/systemd")) {
    return "systemd";
  }
  if (has("/sbin/openrc-run") || has("/usr/sbin/openrc-run") || has("/usr/bin/openrc-run")) {
    return "openrc";
  }
  return has("/etc/init.d") ? "sysvinit" : "systemd";
}

/** Tells in one line, with status 1, what stands in the way of the act. */
export function refusalsTold<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    // A code has what the system refused.
    if (
      error instanceof InstallRefused ||
      error instanceof BrokenManifest ||
      (error instanceof Error && "code" in error)
    ) {
      throw new CommandError(error.message, ExitStatus.failed, { cause: error });
    }
    throw error;
  }
}
