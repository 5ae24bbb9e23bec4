// The section [network] of the configuration.

import { boolean, type Section } from "../setting.ts";

export const networkSettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
} satisfies Section;
