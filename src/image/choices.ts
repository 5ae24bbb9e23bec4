// What is chosen for an installation. It is kept in the manifest, so that the next
// one, an upgrade for instance, need not be told all of it again.

import type { ServiceName } from "../services/service.ts";

export const serviceNames = ["kvp", "vss", "fcopy"] as const satisfies readonly ServiceName[];

/** Whose names of daemons and units are linked to hvguest. */
export const nameStyles = ["linux", "fedora"] as const;
export type NameStyle = (typeof nameStyles)[number];

/** What starts the agent at boot. */
export const initSystems = ["systemd", "openrc", "sysvinit", "none"] as const;
export type InitSystem = (typeof initSystems)[number];

/** What is undefined was never chosen: it is as this version has it. */
export interface Choices {
  readonly services?: readonly ServiceName[] | undefined;
  readonly names?: readonly NameStyle[] | undefined;
  readonly init?: InitSystem | "auto" | undefined;
  readonly split?: boolean | undefined;
  readonly cloudInit?: boolean | undefined;
  readonly replace?: boolean | undefined;
}

/** The chosen, and where nothing is chosen what was before. */
export function withRecorded(chosen: Choices, recorded: Choices): Choices {
  return {
    services: chosen.services ?? recorded.services,
    names: chosen.names ?? recorded.names,
    init: chosen.init ?? recorded.init,
    split: chosen.split ?? recorded.split,
    cloudInit: chosen.cloudInit ?? recorded.cloudInit,
    replace: chosen.replace ?? recorded.replace,
  };
}

/** Choices out of JSON; what this version does not know was not chosen. */
export function parseChoices(value: unknown): Choices {
  if (typeof value !== "object" || value === null) {
    return {};
  }
  const choices: Readonly<Record<string, unknown>> = { ...value };
  const truth = (name: keyof Choices) =>
    typeof choices[name] === "boolean" ? choices[name] : undefined;
  return {
    services: listed(choices["services"], serviceNames),
    names: listed(choices["names"], nameStyles),
    init: (["auto", ...initSystems] as const).find((init) => init === choices["init"]),
    split: truth("split"),
    cloudInit: truth("cloudInit"),
    replace: truth("replace"),
  };
}

function listed<T extends string>(value: unknown, known: readonly T[]): T[] | undefined {
  return Array.isArray(value) ? known.filter((name) => value.includes(name)) : undefined;
}

/** As options of `hvguest install`, less those that `known` has. */
export function choicesText(choices: Choices, known: Choices): string {
  const { services, names, init, split, cloudInit, replace } = choices;
  const texts: readonly [keyof Choices, string | undefined][] = [
    ["services", services && `--services ${services.join(",")}`],
    ["names", names && `--names ${names.join(",") || "none"}`],
    ["init", init && `--init ${init}`],
    ["split", flag("split", split)],
    ["cloudInit", flag("cloud-init", cloudInit)],
    ["replace", flag("replace", replace)],
  ];
  return texts.flatMap(([name, text]) => (known[name] === undefined ? (text ?? []) : [])).join(" ");
}

function flag(name: string, isOn: boolean | undefined): string | undefined {
  return isOn === undefined ? undefined : `${isOn ? "--" : "--no-"}${name}`;
}
