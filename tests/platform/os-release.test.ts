import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseOsRelease, readOsRelease } from "../../src/platform/os-release.ts";

function root(files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), "hvguest-os-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

test("name and version come from os-release", () => {
  const system = root({
    "etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\n',
  });
  expect(readOsRelease(system)).toEqual({ name: "Ubuntu", version: "22.04" });
});

test("/etc/os-release hides that of /usr/lib, which hides the older files", () => {
  const older = { "etc/redhat-release": "Red Hat Linux release 6\n" };
  const vendor = { "usr/lib/os-release": "NAME=Vendor\nVERSION_ID=1\n", ...older };
  expect(readOsRelease(root(vendor))).toEqual({ name: "Vendor", version: "1" });
  const local = { "etc/os-release": "NAME=Local\n", ...vendor };
  expect(readOsRelease(root(local))).toEqual({ name: "Local", version: "" });
});

test("the older files tell by their lines, SuSE-release first", () => {
  const redhat = { "etc/redhat-release": "CentOS release 6.10 (Final)\n" };
  expect(readOsRelease(root(redhat))).toEqual({
    name: "CentOS release 6.10 (Final)",
    version: "",
  });
  const suse = { "etc/SuSE-release": "SUSE Linux 11\nVERSION = 11\nPATCHLEVEL = 4\n", ...redhat };
  expect(readOsRelease(root(suse))).toEqual({ name: "SUSE Linux 11", version: "VERSION = 11" });
});

test("a system without any of the files is called Linux", () => {
  expect(readOsRelease(root({}))).toEqual({ name: "Linux", version: "" });
  expect(readOsRelease(root({ "etc/os-release": "" }))).toEqual({ name: "Linux", version: "" });
});

test("values are unquoted as a shell would", () => {
  const values = parseOsRelease(
    [
      'A="double \\"quoted\\" \\$x \\`y\\` \\\\ \\n"',
      "B='single \"quoted\" \\$x'",
      "C=plain",
      "D=",
      'E=""',
      "# F=comment",
      "  G=indented",
      'H="open',
      "lower=ignored",
      "I=a=b",
      "C=last",
    ].join("\n"),
  );
  expect(Object.fromEntries(values)).toEqual({
    A: 'double "quoted" $x `y` \\ \\n',
    B: 'single "quoted" \\$x',
    C: "last",
    D: "",
    E: "",
    G: "indented",
    H: '"open',
    I: "a=b",
  });
});
