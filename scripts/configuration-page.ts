// Writes docs/configuration.md out of the declared settings.
//   sh scripts/run.sh scripts/configuration-page.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Section, Setting } from "../src/services/setting.ts";
import { sections } from "../src/services/settings.ts";
import { repository } from "./process.ts";

export const configurationPagePath = join(repository, "docs/configuration.md");

const head = `# Configuration

<!-- Written by scripts/configuration-page.ts out of src/services/*/*-settings.ts. -->

Every setting of hvguest has a default; without a configuration file it works as the C daemons do.

It reads \`/etc/hvguest/hvguest.toml\`, then \`/etc/hvguest/hvguest.toml.d/*.toml\` in the order of their names; what comes later wins. Put your changes into a file of your own there, such as \`50-local.toml\`, and leave the first one to the package. \`hvguest run --root DIR\` reads below \`DIR/etc/hvguest\`.

\`systemctl reload hvguest\` (SIGHUP) reads the files again. A section or key that does not exist, or a value that a key does not take, is an error that names file and line: at the start hvguest ends with it and status 78, at a reload it keeps the settings it has.

Example:

\`\`\`toml
[log]
level = "debug"

[fcopy]
enabled = false
\`\`\`
`;

/** The whole page. */
export function configurationPage(): string {
  return [head, ...Object.entries(sections).map(([name, section]) => part(name, section))].join(
    "\n",
  );
}

function part(name: string, section: Section): string {
  const rows = Object.entries(section).map(([key, setting]) => row(key, setting));
  return [`## [${name}]\n`, "| key | default | meaning |", "| --- | --- | --- |", ...rows, ""].join(
    "\n",
  );
}

function row(key: string, setting: Setting<unknown>): string {
  const meaning = setting.description.replaceAll("|", "\\|");
  return `| \`${key}\` | \`${JSON.stringify(setting.fallback)}\` | ${meaning} |`;
}

if (import.meta.main) {
  writeFileSync(configurationPagePath, configurationPage());
}
