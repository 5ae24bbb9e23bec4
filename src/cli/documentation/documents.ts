// Where man pages and completions are installed.

import { daemonServices } from "../../agent/daemon-names.ts";
import type { Document } from "../../image/layout.ts";
import type { Command } from "../command.ts";
import { describeCommands } from "./command-tree.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "./completions.ts";
import { commandsPage, daemonPage, lsvmbusPage, settingsPage } from "./man-page.ts";

/** Every man page and completion of these commands. */
export function documents(commands: readonly Command[], version: string): Document[] {
  const described = describeCommands(commands);
  return [
    { path: "/usr/share/man/man8/hvguest.8", text: commandsPage(described, version) },
    { path: "/usr/share/man/man5/hvguest.toml.5", text: settingsPage(version) },
    { path: "/usr/share/man/man8/lsvmbus.8", text: lsvmbusPage(version) },
    ...[...daemonServices.keys()].map((name) => ({
      path: `/usr/share/man/man8/${name}.8`,
      text: daemonPage,
    })),
    { path: "/usr/share/bash-completion/completions/hvguest", text: bashCompletion(described) },
    { path: "/usr/share/zsh/site-functions/_hvguest", text: zshCompletion(described) },
    {
      path: "/usr/share/fish/vendor_completions.d/hvguest.fish",
      text: fishCompletion(described),
    },
  ];
}
