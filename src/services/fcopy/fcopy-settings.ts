// The section [fcopy] of the configuration.

import { absolutePath, boolean, integer, type Section, text, textList } from "../setting.ts";

export const fcopySettings = {
  enabled: boolean(true, "Whether `hvguest run` serves this."),
  allowed_directories: textList(
    [],
    "Directories that files may be copied into, with all below them; empty for all.",
    absolutePath,
  ),
  denied_directories: textList(
    [],
    "Directories that no file may be copied into, stronger than allowed_directories.",
    absolutePath,
  ),
  largest_file_mib: integer(
    0,
    { min: 0, max: 2 ** 33 },
    "The largest file that is taken, in MiB; 0 for any.",
  ),
  mode: text(
    "",
    'The mode of received files, such as "0644"; empty for 0744, or that of the file replaced.',
    (value) => (/^(0?[0-7]{3,4})?$/.test(value) ? undefined : 'need an octal mode such as "0644"'),
  ),
  owner: text(
    "",
    "The owner of received files, a name or number; empty for root, or that of the file replaced.",
    nameOrNumber,
  ),
  group: text(
    "",
    "The group of received files, a name or number; empty for root, or that of the file replaced.",
    nameOrNumber,
  ),
} satisfies Section;

function nameOrNumber(value: string): string | undefined {
  return /^[^:\s]*$/.test(value) ? undefined : "need a name or a number";
}
