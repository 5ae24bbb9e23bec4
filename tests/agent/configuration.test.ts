import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigurationError, readConfiguration } from "../../src/agent/configuration.ts";
import { defaultSettings } from "../../src/services/settings.ts";

/** A configuration directory with these files. */
function directory(files: Readonly<Record<string, string>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), "hvguest-configuration-"));
  mkdirSync(join(path, "hvguest.toml.d"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(path, name), text);
  }
  return path;
}

function refusal(files: Readonly<Record<string, string>>): string {
  const path = directory(files);
  try {
    readConfiguration(path);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message.replace(path, "");
  }
  throw new Error("the configuration was taken");
}

test("without any file every setting is at its default", () => {
  expect(readConfiguration("/nonexistent/hvguest")).toEqual(defaultSettings());
  expect(readConfiguration(directory())).toEqual(defaultSettings());
  expect(readConfiguration(directory({ "hvguest.toml": "" }))).toEqual(defaultSettings());
});

test("a file changes what it names, and nothing else", () => {
  const settings = readConfiguration(
    directory({ "hvguest.toml": '[log]\nlevel = "debug"\n[vss]\nenabled = false\n' }),
  );
  const wanted = defaultSettings();
  expect(settings).toEqual({
    ...wanted,
    log: { level: "debug" },
    vss: { ...wanted.vss, enabled: false },
  });
});

test("drop-ins come after the file, in the order of their names", () => {
  const level = (word: string) => `[log]\nlevel = "${word}"\n`;
  const settings = readConfiguration(
    directory({
      "hvguest.toml": `${level("error")}[kvp]\nenabled = false\n`,
      "hvguest.toml.d/90-last.toml": level("debug"),
      "hvguest.toml.d/10-first.toml": `${level("notice")}[vss]\nenabled = false\n`,
    }),
  );
  expect(settings.log.level).toBe("debug");
  expect(settings.kvp.enabled).toBe(false);
  expect(settings.vss.enabled).toBe(false);
});

test("hidden files and files that are not .toml are no drop-ins", () => {
  const settings = readConfiguration(
    directory({
      "hvguest.toml.d/10-a.toml~": "nonsense",
      "hvguest.toml.d/.10-b.toml": "nonsense",
      "hvguest.toml.d/README": "nonsense",
    }),
  );
  expect(settings).toEqual(defaultSettings());
});

test("an unknown section names its file and line", () => {
  expect(refusal({ "hvguest.toml": "# comment\n\n[kpv]\nenabled = true\n" })).toBe(
    "'/hvguest.toml' line 3: there is no section or key 'kpv'",
  );
});

test("an unknown key names its file, line and section", () => {
  expect(refusal({ "hvguest.toml": "[vss]\nenabled = true\nenable = true\n" })).toBe(
    "'/hvguest.toml' line 3: [vss] there is no key 'enable'",
  );
});

test("a key outside of any section is refused", () => {
  expect(refusal({ "hvguest.toml": "\nenabled = true\n" })).toBe(
    "'/hvguest.toml' line 2: there is no section or key 'enabled'",
  );
});

test("a value where a section belongs is refused, with how to write it", () => {
  expect(refusal({ "hvguest.toml": "kvp = true\n" })).toBe(
    "'/hvguest.toml' line 1: 'kvp' is a section: write [kvp]",
  );
  expect(refusal({ "hvguest.toml": "[[kvp]]\nenabled = true\n" })).toBe(
    "'/hvguest.toml' line 1: 'kvp' is a section: write [kvp]",
  );
  expect(refusal({ "hvguest.toml": "kvp = 1979-05-27\n" })).toBe(
    "'/hvguest.toml' line 1: 'kvp' is a section: write [kvp]",
  );
});

test("a wrong value says what is right, in a drop-in too", () => {
  expect(
    refusal({ "hvguest.toml": "", "hvguest.toml.d/50-x.toml": '[log]\nlevel = "loud"\n' }),
  ).toBe(
    "'/hvguest.toml.d/50-x.toml' line 2: [log] 'level': need one of " +
      '"error", "warning", "notice", "info", "debug"',
  );
  expect(refusal({ "hvguest.toml": '[kvp]\nenabled = "yes"\n' })).toBe(
    "'/hvguest.toml' line 2: [kvp] 'enabled': need true or false",
  );
});

test("names of JavaScript's own are unknown as any other", () => {
  for (const name of ["constructor", "toString", "__proto__"]) {
    expect(refusal({ "hvguest.toml": `[${name}]\na = 1\n` })).toBe(
      `'/hvguest.toml' line 1: there is no section or key '${name}'`,
    );
    expect(refusal({ "hvguest.toml": `[kvp]\n${name} = 1\n` })).toBe(
      `'/hvguest.toml' line 2: [kvp] there is no key '${name}'`,
    );
  }
});

test("what is not TOML names its file and line, in one line", () => {
  const message = refusal({ "hvguest.toml": "[kvp]\nenabled = \n" });
  expect(message).toStartWith("'/hvguest.toml' line 2: ");
  expect(message).not.toContain("\n");
});

test("the same key twice is refused", () => {
  expect(refusal({ "hvguest.toml": "[kvp]\nenabled = true\nenabled = true\n" })).toStartWith(
    "'/hvguest.toml' line 3: ",
  );
});

test("a file that cannot be read is an error, not a default", () => {
  const path = directory();
  mkdirSync(join(path, "hvguest.toml"));
  expect(() => readConfiguration(path)).toThrow(
    new ConfigurationError(
      `read '${path}/hvguest.toml': EISDIR: illegal operation on a directory, read`,
    ),
  );
});
