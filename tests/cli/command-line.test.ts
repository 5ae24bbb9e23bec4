import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commands } from "../../src/cli/commands.ts";
import { fromSource, hvguest } from "../support/hvguest-source.ts";

test("the help names every command, on standard output", () => {
  const { status, stdout, stderr } = hvguest(["--help"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  for (const { usage } of commands) {
    expect(stdout).toContain(`hvguest ${usage}`);
  }
  expect(stdout).toContain("hvguest run ");
});

test.each(["run", ...commands.map(({ usage }) => usage.split(" ")[0] ?? "")])(
  "%s --help tells about itself",
  (name) => {
    const { status, stdout, stderr } = hvguest([name, "--help"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toStartWith(`hvguest ${name}`);
  },
);

test("--version says version, commit, Bun and the protocols", () => {
  for (const way of ["--version", "-V", "version"]) {
    const { status, stdout } = hvguest([way]);
    expect(status).toBe(0);
    expect(stdout).toStartWith(`hvguest 1.2.3 (abcdef)\nBun ${Bun.version}\nKVP `);
  }
});

test.each([
  [[], "name a command"],
  [["bogus"], "Unknown command: bogus"],
  [["LSVMBUS"], "Unknown command: LSVMBUS"],
  [["--bogus"], "Unknown option '--bogus'"],
  [["-x"], "Unknown option '-x'"],
  [["--bogus=1", "kvp"], "Unknown option '--bogus'"],
  [["kvp", "--bogus"], "Unknown option '--bogus'"],
  [["kvp", "get", "--bogus", "key"], "Unknown option '--bogus'"],
  [["kvp", "get", "-x", "key"], "Unknown option '-x'"],
  [["kvp"], "name what to do"],
  [["kvp", "get"], "something is missing: hvguest kvp get <key>"],
  [["-"], "Unknown command: -"],
  [["uninstall", "--dry-run=yes"], "--dry-run takes no value, and was given 'yes'"],
  [["net", "plan", "--manager", "x", "-"], '--manager: "x" is none of "auto", "netplan", '],
  [["lsvmbus", "--bogus"], "Unknown option '--bogus'"],
  [["lsvmbus", "extra"], "Unknown command: extra"],
  [["run", "--bogus"], "Unknown option '--bogus'"],
  [["run", "--services", "x"], "--services: 'x' is none of "],
  [["run", "--root", ""], "--root: '' is not a folder"],
  [["run", "extra"], "Unexpected argument 'extra'"],
  [["uninstall", "--root"], "Not enough arguments following: root"],
  [["uninstall", "--root", "--dry-run"], "Not enough arguments following: root"],
  [["seed", "--wait", "--boot"], "Not enough arguments following: wait"],
  [["uninstall", "--root", ""], "--root: '' is not a folder"],
  [["uninstall", "--root="], "--root: '' is not a folder"],
  [["uninstall", "--root", "/nonexistent"], "--root: '/nonexistent' is not a folder"],
] as const)("%j is a mistake of the operator: one line, status 2", (args, message) => {
  const { status, stdout, stderr } = hvguest(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  expect(stderr).toStartWith(`error: hvguest: ${message}`);
  expect(stderr.trimEnd()).not.toContain("\n");
});

test("options may come before and after operands, in any of their spellings", () => {
  const root = mkdtempSync(join(tmpdir(), "hvguest-root-"));
  for (const args of [
    ["uninstall", "--dryRun", "--root", root],
    ["uninstall", "--no-json", "--dry-run=true", `--root=${root}`],
  ]) {
    const { status, stderr } = hvguest(args);
    expect([status, stderr]).toEqual([
      1,
      "error: hvguest: hvguest was not installed there by 'hvguest install'\n",
    ]);
  }
  const dir = ["--dir", root];
  expect(hvguest(["kvp", ...dir, "set", "--", "--key", "--value"]).status).toBe(0);
  expect(hvguest(["kvp", "get", ...dir, "--", "--key"]).stdout).toBe("--value\n");
  expect(hvguest(["kvp", "set", "number", "-5", ...dir]).status).toBe(0);
  expect(hvguest(["kvp", "get", "number", ...dir]).stdout).toBe("-5\n");
});

test("an argument that is not UTF-8 is refused before anything is done with it", () => {
  const root = mkdtempSync(join(tmpdir(), "hvguest-root-"));
  const words = `kvp set "$(printf 'k\\377')" v --dir ${root}`;
  const { exitCode, stderr } = Bun.spawnSync(
    ["/bin/sh", "-c", `exec "$@" ${words}`, "sh", ...fromSource],
    { env: {}, stdout: "pipe", stderr: "pipe" },
  );
  expect(stderr.toString()).toBe("error: hvguest: argument 3 ('k\u{fffd}') is not UTF-8\n");
  expect(exitCode).toBe(2);
  expect(readdirSync(root)).toEqual([]);
  // The character itself may be meant.
  expect(hvguest(["kvp", "set", "k\u{fffd}", "v", "--dir", root]).status).toBe(0);
});

test("a very long argument is told in one line of a readable length", () => {
  const { status, stderr } = hvguest(["x".repeat(100_000)]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: hvguest: Unknown command: x{900,}…\n$/);
});

test("standard input that cannot be read is a failure in one line", () => {
  const { exitCode, stderr } = Bun.spawnSync([...fromSource, "kvp", "import"], {
    env: {},
    stdin: openSync("/", "r"),
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(stderr.toString()).toMatch(/^error: hvguest: read standard input: [^\n]+\n$/);
  expect(exitCode).toBe(1);
});

test.each([{ command: ["kvp", "import"] }, { command: ["net", "plan"] }])(
  "$command: an endless file is refused, and so is endless standard input",
  ({ command }) => {
    for (const [file, stdin, name] of [
      ["/dev/zero", "/dev/null", "'/dev/zero'"],
      ["-", "/dev/zero", "standard input"],
    ] as const) {
      const { exitCode, stderr } = Bun.spawnSync([...fromSource, ...command, file], {
        env: {},
        stdin: openSync(stdin, "r"),
        stdout: "pipe",
        stderr: "pipe",
      });
      expect(stderr.toString()).toMatch(
        new RegExp(`^error: hvguest: ${name} is longer than \\d+ bytes\n$`),
      );
      expect(exitCode).toBe(2);
    }
  },
);

test("output that cannot be written is a failure in one line", () => {
  const { exitCode, stderr } = Bun.spawnSync([...fromSource, "--help"], {
    env: {},
    stdout: openSync("/dev/full", "w"),
    stderr: "pipe",
  });
  expect(stderr.toString()).toStartWith("error: hvguest: write the output: ENOSPC");
  expect(exitCode).toBe(1);
});

test("lsvmbus is a name of its own, with the kernel tool's text and status", () => {
  const { status, stdout } = hvguest(["lsvmbus"]);
  expect([status, stdout]).toEqual([
    255,
    "/nonexistent/sys/bus/vmbus/devices doesn't exist: exiting...\n",
  ]);
});

test("a wrong configuration ends the agent before it starts, in one line with file and line", () => {
  const root = mkdtempSync(join(tmpdir(), "hvguest-root-"));
  mkdirSync(join(root, "etc/hvguest"), { recursive: true });
  writeFileSync(join(root, "etc/hvguest/hvguest.toml"), "[kvp]\nenable = true\n");
  const { status, stderr } = hvguest(["run", "--root", root]);
  expect(stderr).toBe(
    `error: hvguest: '${root}/etc/hvguest/hvguest.toml' line 2: [kvp] there is no key 'enable'\n`,
  );
  expect(status).toBe(78);
});
