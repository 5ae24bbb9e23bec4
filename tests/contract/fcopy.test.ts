// Files from the host, over the character device (drivers/hv/hv_fcopy.c).

import { expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { FCOPY_FRAGMENT_BYTES, FcopyFlag } from "../fake-kernel/fcopy-host.ts";
import { HostStatus } from "../fake-kernel/host-answer.ts";
import { contract } from "./contract.ts";
import { startFcopy } from "./guests.ts";

const directory = "/srv/copied";
const arrived = join(directory, "file");

/** Three fragments, the last one short. */
const content = Buffer.alloc(2 * FCOPY_FRAGMENT_BYTES + 100, "content of the file ");

const copy = (data: Buffer, flags = 0) => ({ path: directory, name: "file", data, flags });

const deepFile = { path: join(directory, "a/b/c"), name: "file", data: content };

contract("fcopy", "files", ({ both, differs, ours }) => {
  both("registers with version 1 in four bytes", async (program) => {
    await using guest = await startFcopy(program);
    expect(guest.driver.registrations).toEqual([Buffer.from([1, 0, 0, 0])]);
  });

  both("takes a file, with mode 744", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    expect(await guest.host.copy(copy(content))).toBe(HostStatus.ok);
    expect(readFileSync(arrived).equals(content)).toBe(true);
    expect(statSync(arrived).mode & 0o777).toBe(0o744);
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  both("takes an empty file, and one after the other", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    for (const data of [Buffer.alloc(0), content, Buffer.alloc(1)]) {
      expect(await guest.host.copy(copy(data, FcopyFlag.overwrite))).toBe(HostStatus.ok);
      expect(readFileSync(arrived).equals(data)).toBe(true);
    }
  });

  both("refuses to replace a file unless asked to", async (program) => {
    await using guest = await startFcopy(program, { prepare: oldFile });
    expect(await guest.host.copy(copy(content))).toBe(HostStatus.alreadyExists);
    expect(readFileSync(arrived, "utf8")).toBe("old");
    expect(await guest.host.copy(copy(Buffer.from("n"), FcopyFlag.overwrite))).toBe(HostStatus.ok);
    expect(readFileSync(arrived, "utf8")).toBe("n");
  });

  both("makes no directory unless asked to", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    expect(await guest.host.copy(deepFile)).toBe(HostStatus.fail);
    expect(readdirSync(directory)).toEqual([]);
  });

  differs("a path that is to be made", {
    linux: [
      "is made without its last name, and the copy fails",
      async (program) => {
        await using guest = await startFcopy(program, { prepare: emptyDirectory });
        const file = { ...deepFile, flags: FcopyFlag.createPath };
        expect(await guest.host.copy(file)).toBe(HostStatus.fail);
        expect(readdirSync(join(directory, "a/b"))).toEqual([]);
      },
    ],
    hvguest: [
      "ends in the name of the file, as Windows has it",
      async (program) => {
        await using guest = await startFcopy(program, { prepare: emptyDirectory });
        const file = { ...deepFile, flags: FcopyFlag.createPath };
        expect(await guest.host.copy(file)).toBe(HostStatus.ok);
        expect(readFileSync(join(directory, "a/b/c")).equals(content)).toBe(true);
      },
    ],
  });

  both("leaves nothing of a file that the host cancels", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    expect(await guest.host.start(directory, "file", content.length)).toBe(HostStatus.ok);
    expect(await guest.host.write(0, content.subarray(0, 1000))).toBe(HostStatus.ok);
    await guest.host.cancel();
    expect(readdirSync(directory)).toEqual([]);
    expect(await guest.host.copy(copy(content))).toBe(HostStatus.ok);
  });

  differs("a file that is replaced", {
    linux: [
      "is gone from the first moment",
      async (program) => {
        await using guest = await startFcopy(program, { prepare: oldFile });
        const { host } = guest;
        await host.start(directory, "file", content.length, FcopyFlag.overwrite);
        expect(readFileSync(arrived, "utf8")).toBe("");
      },
    ],
    hvguest: [
      "is whole until the new one is",
      async (program) => {
        await using guest = await startFcopy(program, { prepare: oldFile });
        const { host } = guest;
        await host.start(directory, "file", content.length, FcopyFlag.overwrite);
        await host.write(0, content.subarray(0, 1000));
        expect(readFileSync(arrived, "utf8")).toBe("old");
      },
    ],
  });

  ours("leaves no part of a file when it is killed", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    await guest.host.start(directory, "file", content.length);
    await guest.host.write(0, content.subarray(0, 1000));
    guest.daemon.kill("SIGKILL");
    await guest.daemon.exitStatus();
    expect(existsSync(arrived)).toBe(false);
  });

  ours("leaves no part of a file when the service goes", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    await guest.host.start(directory, "file", content.length);
    await guest.host.write(0, content.subarray(0, 1000));
    await guest.bus.rescind(guest.driver);
    const driver = guest.bus.offerFcopy();
    await driver.ready();
    expect(readdirSync(directory)).toEqual([]);
  });

  ours("refuses a file that is shorter than the host said", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    await guest.host.start(directory, "file", content.length);
    await guest.host.write(0, content.subarray(0, 1000));
    expect(await guest.host.complete()).not.toBe(HostStatus.ok);
    expect(readdirSync(directory)).toEqual([]);
  });

  ours("refuses what belongs to no file", async (program) => {
    await using guest = await startFcopy(program, { prepare: emptyDirectory });
    expect(await guest.host.write(0, content.subarray(0, 10))).not.toBe(HostStatus.ok);
    expect(await guest.host.complete()).not.toBe(HostStatus.ok);
    expect(await guest.host.copy(copy(content))).toBe(HostStatus.ok);
  });
});

function emptyDirectory(): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
}

function oldFile(): void {
  emptyDirectory();
  writeFileSync(arrived, "old");
}
