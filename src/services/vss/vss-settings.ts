// The section [vss] of the configuration.

import { boolean, type Section } from "../setting.ts";

export const vssSettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
} satisfies Section;
