// The program in places that are read-only, without room, or hostile. That the daemon
// registers shows that its native part was loaded there.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agent, namedDaemons } from "../contract/daemons.ts";
import { startKvp } from "../contract/guests.ts";
import {
  argvWithin,
  everythingReadOnly,
  noTemporaryFiles,
  temporaryFilesNoexec,
  within,
} from "../contract/mounts.ts";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import { executable, hvguest, runProgram } from "./program.ts";

const programs = [agent("kvp"), ...namedDaemons("kvp")];

const places = [
  { title: "where everything is read-only", command: everythingReadOnly },
  { title: "where temporary files cannot be run", command: temporaryFilesNoexec },
  { title: "where there are no temporary files", command: noTemporaryFiles },
  {
    title: "where shared memory is full",
    command: "mount -t tmpfs -o size=4k small /dev/shm; echo full >/dev/shm/full",
  },
];

describe.skipIf(!isPrivateMachine())("the program", () => {
  for (const { title, command } of places) {
    for (const program of programs) {
      test(`serves ${title} (${program.title})`, async () => {
        await using guest = await startKvp(within(program, command));
        expect(await guest.host.list(2)).toHaveLength(10);
      });

      test(`serves ${title} and memory cannot become code (${program.title})`, async () => {
        const refusing = { ...program, argv: refusingNewCode(program.argv) };
        await using guest = await startKvp(within(refusing, command));
        expect(await guest.host.list(2)).toHaveLength(10);
      });
    }

    test(`runs commands ${title}`, async () => {
      const argv = [executable, "kvp", "list", "--pool", "0"];
      expect(await runProgram(argvWithin(argv, command))).toMatchObject({ status: 0 });
    });
  }

  test("runs nothing of a hostile current directory", async () => {
    const cwd = hostileDirectory();
    expect(await hvguest(["--version"], { cwd })).toMatchObject({ status: 0, stderr: "" });
    expect(await hvguest(["--help"], { cwd })).toMatchObject({ status: 0, stderr: "" });
    expect(await hvguest(["kvp", "list"], { cwd })).toMatchObject({ status: 0 });
    for (const program of programs) {
      await using guest = await startKvp(program, { cwd });
      expect(await guest.host.list(2)).toHaveLength(10);
    }
    expect(existsSync("/tmp/hostile-code-ran")).toBe(false);
  });

  // The runtime looks for its current directory before any of our code.
  test("says so in one line when the current directory was deleted", async () => {
    mkdirSync("/tmp/deleted");
    const script = 'cd /tmp/deleted && rmdir /tmp/deleted && exec "$@"';
    const argv = ["/bin/sh", "-c", script, "sh", executable, "--version"];
    const { status, stderr } = await runProgram(argv);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^[^\n]*current working directory was deleted[^\n]*\n$/);
  });

  test("leaves no file behind", async () => {
    const directories = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/etc/hvguest"];
    const listing = () => directories.map((directory) => readdirSync(directory).sort());
    const before = listing();
    await hvguest(["--help"]);
    await hvguest(["kvp", "list"]);
    for (const program of programs) {
      await using guest = await startKvp(program);
      await guest.host.list(2);
    }
    expect(listing()).toEqual(before);
  });
});

/** PR_SET_MDWE with PR_MDWE_REFUSE_EXEC_GAIN, as MemoryDenyWriteExecute= of systemd. */
function refusingNewCode(argv: readonly string[]): string[] {
  const prctl = process.arch === "arm64" ? 167 : 157;
  const script = `syscall(${prctl}, 65, 1, 0, 0, 0) == 0 or die "prctl: $!"; exec @ARGV`;
  return ["/usr/bin/perl", "-e", script, ...argv];
}

/** A directory whose files would run code or change settings, if Bun looked at them. */
function hostileDirectory(): string {
  const directory = "/tmp/hostile";
  const evil = 'require("node:fs").writeFileSync("/tmp/hostile-code-ran", "");';
  mkdirSync(join(directory, "node_modules/yargs"), { recursive: true });
  const files = {
    "bunfig.toml": 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n',
    "evil.ts": evil,
    ".env": "HVGUEST_ROOT=/tmp/hostile\nBUN_OPTIONS=--preload ./evil.ts\n",
    "package.json": '{ "imports": { "#x": "./evil.ts" }, "yargs": { "boolean": ["pool"] } }',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./evil.ts"] } } }',
    "node_modules/yargs/index.js": evil,
    "node_modules/yargs/package.json": '{ "name": "yargs", "main": "index.js" }',
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content);
  }
  return directory;
}
