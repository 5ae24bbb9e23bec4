// The numbers of users and groups, from the files of the system itself.

import { readFileSync } from "node:fs";

/** The number of a user, given by name or number; undefined when there is none of that name. */
export function userId(user: string, file = "/etc/passwd"): number | undefined {
  return numberOf(user, file);
}

/** The number of a group, given by name or number; undefined when there is none of that name. */
export function groupId(group: string, file = "/etc/group"): number | undefined {
  return numberOf(group, file);
}

/** Both files: name, password, number, … (passwd(5), group(5)). */
function numberOf(name: string, file: string): number | undefined {
  if (/^\d+$/.test(name)) {
    return Number(name);
  }
  const fields = readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .find(([entry]) => entry === name);
  const number = Number(fields?.[2] || Number.NaN);
  return Number.isInteger(number) ? number : undefined;
}
