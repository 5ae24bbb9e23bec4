// The section [kvp] of the configuration.

import { boolean, type Section } from "../setting.ts";

export const kvpSettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
} satisfies Section;
