// What the program says of itself, and how it takes a wrong command line.

import { expect, test } from "bun:test";
import { version } from "../../package.json";
import { executable, hvguest, runProgram } from "./program.ts";

test("--version tells version, commit, Bun and the protocols", async () => {
  const { status, stdout, stderr } = await hvguest(["--version"]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toStartWith(`hvguest ${version} (`);
  expect(stdout).toContain(`Bun ${Bun.version}`);
  for (const protocol of ["KVP", "VSS", "file copy", "framework"]) {
    expect(stdout).toContain(protocol);
  }
});

test("-V and version are the same as --version", async () => {
  const expected = await hvguest(["--version"]);
  expect(await hvguest(["-V"])).toEqual(expected);
  expect(await hvguest(["version"])).toEqual(expected);
});

test("--help names every command, in lines of a terminal's width", async () => {
  const { status, stdout, stderr } = await hvguest(["--help"]);
  expect([status, stderr]).toEqual([0, ""]);
  for (const command of ["run", "kvp", "lsvmbus"]) {
    expect(stdout).toContain(`hvguest ${command} `);
  }
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});

test("a wrong command line is told in one line, with status 2", async () => {
  const wrong = [
    ["nonsense"],
    ["--wrong"],
    [],
    ["run", "--wrong"],
    ["run", "--services", "nonsense"],
    ["kvp"],
    ["kvp", "list", "--wrong"],
    ["kvp", "get"],
    ["kvp", "get", "--wrong", "key"],
    ["net", "plan", "--manager", "wrong", "-"],
    ["uninstall", "--dry-run=yes"],
    ["--", "kvp"],
    ["x".repeat(100_000)],
  ];
  for (const args of wrong) {
    const { status, stdout, stderr } = await hvguest(args);
    expect([args, status, stdout]).toEqual([args, 2, ""]);
    expect(stderr).toMatch(/^error: hvguest: [^\n\u{10fffd}]+\n$/u);
    if (args.includes("--wrong")) {
      expect(stderr).toContain("Unknown option '--wrong'");
    }
  }
});

test("output that cannot be written is told in one line, with status 1", async () => {
  for (const args of ["--version", "--help", "run --help"]) {
    const ended = await runProgram(["/bin/sh", "-c", `${executable} ${args} >/dev/full`]);
    expect(ended).toMatchObject({ status: 1 });
    expect(ended.stderr).toMatch(/^error: hvguest: write the output: [^\n]+\n$/);
  }
});

test("an empty environment and closed standard descriptors do no harm", async () => {
  const ended = await runProgram(["/usr/bin/env", "-i", executable, "--version"]);
  expect(ended).toMatchObject({ status: 0, stderr: "" });
  const closed = `exec ${executable} nonsense <&- >&- 2>&-`;
  expect(await runProgram(["/bin/sh", "-c", closed])).toMatchObject({ status: 2 });
});
