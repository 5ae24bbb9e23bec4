// Reads /etc/hvguest/hvguest.toml and the drop-ins beside it.

import { readdirSync, readFileSync } from "node:fs";
import { parse, TomlDate, TomlError } from "smol-toml";
import { type Section, SettingError } from "../services/setting.ts";
import { defaultSettings, type Settings, sections } from "../services/settings.ts";
import { keyLine } from "./toml-lines.ts";

/** The configuration is wrong; the message names file and line. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/**
 * The settings of `directory`: hvguest.toml, then hvguest.toml.d/*.toml in the
 * order of their names; later ones win. Missing files give the defaults.
 * @throws ConfigurationError
 */
export function readConfiguration(directory: string): Settings {
  const main = `${directory}/hvguest.toml`;
  let settings = defaultSettings();
  for (const path of [main, ...dropIns(`${main}.d`)]) {
    const text = present(path, () => readFileSync(path, "utf8"));
    if (text !== undefined) {
      settings = applyFile(settings, path, text);
    }
  }
  return settings;
}

function dropIns(directory: string): string[] {
  const names = present(directory, () => readdirSync(directory)) ?? [];
  return names
    .filter((name) => name.endsWith(".toml") && !name.startsWith("."))
    .sort()
    .map((name) => `${directory}/${name}`);
}

/** What `read` returns, or undefined when the file is not there. */
function present<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(`read '${path}': ${reason}`, { cause: error });
  }
}

function applyFile(settings: Settings, path: string, text: string): Settings {
  const known: Readonly<Record<string, Section>> = sections;
  const changed: Record<string, Record<string, unknown>> = {};
  for (const [name, table] of Object.entries(parseFile(path, text))) {
    const section = own(known, name);
    const line = keyLine(text, name);
    if (section === undefined) {
      throw fault(path, line, `there is no section or key '${name}'`);
    }
    if (!isTable(table)) {
      throw fault(path, line, `'${name}' is a section: write [${name}]`);
    }
    changed[name] = {};
    for (const [key, value] of Object.entries(table)) {
      changed[name][key] = parseSetting(section, key, value, (message) =>
        fault(path, keyLine(text, name, key), `[${name}] ${message}`),
      );
    }
  }
  return Object.fromEntries(
    Object.entries(settings).map(([name, values]) => [name, { ...values, ...changed[name] }]),
  ) as unknown as Settings;
}

/** An entry of `names`; what every object has besides is none. */
function own<T>(names: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(names, name) ? names[name] : undefined;
}

function isTable(value: unknown): value is object {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof TomlDate)
  );
}

function parseFile(path: string, text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof TomlError) {
      const summary = error.message.split("\n")[0]?.replace("Invalid TOML document: ", "");
      throw fault(path, error.line, summary ?? "not TOML");
    }
    throw error;
  }
}

function parseSetting(
  section: Section,
  key: string,
  value: unknown,
  faultAt: (message: string) => ConfigurationError,
): unknown {
  const setting = own(section, key);
  if (setting === undefined) {
    throw faultAt(`there is no key '${key}'`);
  }
  try {
    return setting.parse(value) as unknown;
  } catch (error) {
    throw error instanceof SettingError ? faultAt(`'${key}': ${error.message}`) : error;
  }
}

function fault(path: string, line: number, message: string): ConfigurationError {
  return new ConfigurationError(`'${path}' line ${line}: ${message}`);
}
