// Man pages, made out of the commands and the settings.

import type { Section } from "../../services/setting.ts";
import { sections } from "../../services/settings.ts";
import { ExitStatus } from "../command.ts";
import type { DescribedCommand, DescribedOption } from "./command-tree.ts";

/** hvguest(8) */
export function commandsPage(commands: readonly DescribedCommand[], version: string): string {
  return [
    title("HVGUEST", 8, version),
    ...section("NAME"),
    "hvguest \\- Hyper\\-V guest agent",
    ...section("SYNOPSIS"),
    ".B hvguest",
    ".I command",
    ".RI [ option ]...",
    ".br",
    ".B hv_kvp_daemon",
    ".RB [ \\-n ]",
    ".RB [ \\-d ]",
    ...section("DESCRIPTION"),
    "Makes a Linux guest a first\\-class citizen of Microsoft Hyper\\-V: it answers the host's",
    "integration services and gives the guest's own tools a command for each of them.",
    ".PP",
    "Called by the name of one of the daemons that it replaces (hv_kvp_daemon, hypervkvpd,",
    "hv_vss_daemon, hypervvssd, hv_fcopy_daemon, hv_fcopy_uio_daemon, hypervfcopyd) it is that",
    "daemon, with its options: it detaches once it is registered, or with",
    ".B \\-n",
    "stays in the foreground.",
    ...section("COMMANDS"),
    ...commands.filter(({ group }) => !group).flatMap(commandText),
    ...section("EXIT STATUS"),
    ...item(String(ExitStatus.done), "Done."),
    ...item(String(ExitStatus.failed), "Failed, or the answer is no."),
    ...item(String(ExitStatus.usage), "The command line is wrong."),
    ...item(String(ExitStatus.noDevice), "There is no Hyper-V device here."),
    ...item(String(ExitStatus.bug), "A bug."),
    ...section("FILES"),
    ...item("/etc/hvguest/hvguest.toml, /etc/hvguest/hvguest.toml.d/*.toml", "The settings."),
    ...item("/var/lib/hyperv/.kvp_pool_0 ... .kvp_pool_4", "The pools of data exchange."),
    ...item("/run/hvguest", "The state of the running agent."),
    ...section("SEE ALSO"),
    ".BR hvguest.toml (5),",
    ".BR lsvmbus (8),",
    ".BR systemd (1)",
    "",
  ].join("\n");
}

/** hvguest.toml(5) */
export function settingsPage(version: string): string {
  return [
    title("HVGUEST.TOML", 5, version),
    ...section("NAME"),
    "hvguest.toml \\- settings of the Hyper\\-V guest agent",
    ...section("DESCRIPTION"),
    ".I /etc/hvguest/hvguest.toml",
    "and then the files of",
    ".I /etc/hvguest/hvguest.toml.d",
    "whose names end in .toml, in the order of the names, are read when the agent starts and when",
    "it is told to reload. Later ones win. An unknown key is an error.",
    ...Object.entries(sections).flatMap(([name, settings]) => settingsText(name, settings)),
    ...section("SEE ALSO"),
    ".BR hvguest (8)",
    "",
  ].join("\n");
}

/** lsvmbus(8) */
export function lsvmbusPage(version: string): string {
  return [
    title("LSVMBUS", 8, version),
    ...section("NAME"),
    "lsvmbus \\- list the devices of the virtual machine bus",
    ...section("SYNOPSIS"),
    ".B lsvmbus",
    ".RB [ \\-v | \\-vv ]",
    ".RB [ \\-\\-json ]",
    ...section("DESCRIPTION"),
    "Lists the VMBus devices of a Hyper\\-V guest in the text of the kernel's tool of this name.",
    ...item("-v", "Show the class and the channels of each device."),
    ...item("-vv", "Show also its identifier and its folder in sysfs."),
    ...item("--json", "Print one JSON object, with drivers, states and counters."),
    ...section("EXIT STATUS"),
    ...item("0", "Done."),
    ...item(String(ExitStatus.noBus), "There is no VMBus."),
    ...section("SEE ALSO"),
    ".BR hvguest (8)",
    "",
  ].join("\n");
}

/** A page that shows hvguest(8) under the name of a daemon. */
export const daemonPage = ".so man8/hvguest.8\n";

function title(name: string, chapter: number, version: string): string {
  // Settings are longer than a line that could be adjusted.
  return `.TH ${name} ${chapter} "" "hvguest ${version}"\n.ad l`;
}

function section(name: string): string[] {
  return [`.SH ${name}`];
}

function commandText({ usage, description, options, positionals }: DescribedCommand): string[] {
  return [
    ".TP",
    `.B hvguest ${escaped(usage)}`,
    sentence(description),
    ...(options.length + positionals.length > 0 ? [".RS"] : []),
    ...positionals.flatMap((positional) => item(positional.names[0] ?? "", positional.description)),
    ...options.flatMap((option) => item(optionUsage(option), option.description)),
    ...(options.length + positionals.length > 0 ? [".RE"] : []),
  ];
}

function optionUsage({ names, takesValue, choices }: DescribedOption): string {
  const written = names.map((name) => (name.length === 1 ? `-${name}` : `--${name}`)).join(", ");
  const value = choices.length > 0 ? choices.join("|") : "VALUE";
  return takesValue ? `${written} ${value}` : written;
}

function settingsText(name: string, settings: Section): string[] {
  return [
    `.SH [${name}]`,
    ...Object.entries(settings).flatMap(([key, setting]) =>
      item(`${key} = ${JSON.stringify(setting.fallback)}`, setting.description),
    ),
  ];
}

function item(term: string, text: string): string[] {
  return [".TP", `.B ${escaped(term)}`, sentence(text)];
}

function sentence(text: string): string {
  const full = escaped(text.trim());
  return /[.!?]$/.test(full) || full === "" ? full || "\\&" : `${full}.`;
}

/** Nothing of the text is a request or an escape of troff. */
function escaped(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/\s*\n\s*/g, " ")
    .replace(/^(?=[.'])/, "\\&");
}
