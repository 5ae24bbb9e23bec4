// The commented /etc/hvguest/hvguest.toml, made out of the declared settings so
// that it cannot tell anything else than the program does.

import type { Section } from "../services/setting.ts";
import { sections } from "../services/settings.ts";

const head = `# Settings of hvguest, see hvguest.toml(5). Every setting is shown with its default.
# Files in hvguest.toml.d/ are read after this one, in the order of their names.
# After a change: systemctl reload hvguest
`;

/** Every setting as a comment, with what it means and its default. */
export function defaultConfiguration(): string {
  return [head, ...Object.entries(sections).map(([name, section]) => table(name, section))].join(
    "\n",
  );
}

function table(name: string, section: Section): string {
  const settings = Object.entries(section).map(
    ([key, setting]) =>
      `${wrapped(setting.description)}#${key} = ${JSON.stringify(setting.fallback)}\n`,
  );
  return `[${name}]\n${settings.join("\n")}`;
}

/** The text as comment lines of at most 80 characters. */
function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 80) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(`# ${word}`);
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}
