// The section [fcopy] of the configuration.

import { boolean, type Section } from "../setting.ts";

export const fcopySettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
} satisfies Section;
