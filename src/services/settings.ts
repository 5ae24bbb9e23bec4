// All settings: the sections of /etc/hvguest/hvguest.toml.

import { fcopySettings } from "./fcopy/fcopy-settings.ts";
import { kvpSettings } from "./kvp/kvp-settings.ts";
import { networkSettings } from "./network/network-settings.ts";
import { defaultsOf, oneOf, type ValuesOf } from "./setting.ts";
import { vssSettings } from "./vss/vss-settings.ts";

const logSettings = {
  level: oneOf(
    ["error", "warning", "notice", "info", "debug"],
    "info",
    "What is logged; debug shows every message.",
  ),
};

export const sections = {
  log: logSettings,
  kvp: kvpSettings,
  vss: vssSettings,
  fcopy: fcopySettings,
  network: networkSettings,
};

export type Settings = {
  readonly [Name in keyof typeof sections]: ValuesOf<(typeof sections)[Name]>;
};

export function defaultSettings(): Settings {
  return {
    log: defaultsOf(sections.log),
    kvp: defaultsOf(sections.kvp),
    vss: defaultsOf(sections.vss),
    fcopy: defaultsOf(sections.fcopy),
    network: defaultsOf(sections.network),
  };
}
