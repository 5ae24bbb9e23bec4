// Daemons as the system sees them: signals, names, what they hold, and surroundings
// that are not as they should be.

import { expect } from "bun:test";
import { closeSync, constants, openSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import { constants as system } from "node:os";
import { HostStatus } from "../fake-kernel/host-answer.ts";
import type { KvpHost } from "../fake-kernel/kvp-host.ts";
import { contract } from "./contract.ts";
import { processesNamed } from "./daemon-process.ts";
import { eventually } from "./eventually.ts";
import { startKvp } from "./guests.ts";
import { everythingReadOnly, noTemporaryFiles, within } from "./mounts.ts";

contract("kvp", "signals", ({ differs }) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    differs(signal, {
      linux: [
        "ends it by the signal",
        async (program) => {
          await using guest = await startKvp(program);
          guest.daemon.kill(signal);
          expect(await guest.daemon.exitStatus()).toBe(128 + system.signals[signal]);
        },
      ],
      hvguest: [
        "ends it in order, with status 0",
        async (program) => {
          await using guest = await startKvp(program);
          const released = guest.driver.transport.next("release");
          guest.daemon.kill(signal);
          expect(await guest.daemon.exitStatus()).toBe(0);
          await released;
        },
      ],
    });
  }

  differs("SIGHUP", {
    linux: [
      "ends it",
      async (program) => {
        await using guest = await startKvp(program);
        guest.daemon.kill("SIGHUP");
        expect(await guest.daemon.exitStatus()).toBe(128 + system.signals.SIGHUP);
      },
    ],
    hvguest: [
      "makes it read its configuration, and go on",
      async (program) => {
        await using guest = await startKvp(program);
        guest.daemon.kill("SIGHUP");
        expect(await guest.host.set(0, "key", "value")).toBe(HostStatus.ok);
        guest.daemon.kill("SIGTERM");
        expect(await guest.daemon.exitStatus()).toBe(0);
        expect(await guest.daemon.stderr()).toContain("read the configuration again");
        expect(guest.driver.registrations).toHaveLength(1);
      },
    ],
  });
});

contract("kvp", "processes", ({ both }) => {
  both("is one process with the daemon's name that has the device open", async (program) => {
    await using guest = await startKvp(program);
    expect(guest.daemon.name).toBe(program.processName);
    expect(processesNamed(program.processName)).toEqual([guest.daemon.pid]);
    expect(openFiles(guest.daemon.pid)).toContain("/dev/vmbus/hv_kvp");
  });

  both("has the same threads and descriptors after a thousand requests", async (program) => {
    await using guest = await startKvp(program);
    await oneRound(guest.host);
    await guest.host.ipInfo("00:15:5D:01:02:03");
    const before = [guest.daemon.threads, guest.daemon.descriptorCount];
    for (let round = 0; round < 333; round += 1) {
      await oneRound(guest.host);
    }
    await guest.host.ipInfo("00:15:5D:01:02:03");
    // The runtime opens a file for a moment, now and then.
    await eventually(() => [guest.daemon.threads, guest.daemon.descriptorCount], before);
  });
});

contract("kvp", "surroundings", ({ both, differs, ours }) => {
  // Linux's daemon logs by syslog(3).
  ours("answers while its standard error is a full pipe that nobody reads", async (program) => {
    const pipe = fullPipe();
    await using guest = await startKvp(program, {
      stderr: pipe.writer,
      arguments: [program.argv.includes("run") ? "--debug" : "-d"],
    });
    for (let round = 0; round < 250; round += 1) {
      await oneRound(guest.host);
    }
    guest.daemon.kill();
    expect(await guest.daemon.exitStatus()).toBe(0);
    pipe.close();
  });

  differs("a file system that is read-only everywhere", {
    linux: [
      "ends it with status 1",
      async (program) => {
        const start = startKvp(within(program, everythingReadOnly));
        expect(start).rejects.toThrow("ended with status 1");
        await start.catch(() => undefined);
      },
    ],
    hvguest: [
      "leaves it what can be answered without writing",
      async (program) => {
        await using guest = await startKvp(within(program, everythingReadOnly));
        expect(await guest.host.list(2)).toHaveLength(10);
        expect((await guest.host.ipInfo("00:15:5D:01:02:03")).status).toBe(HostStatus.ok);
        expect(await guest.host.set(0, "key", "value")).toBe(HostStatus.fail);
      },
    ],
  });

  both("needs no directory to write to but that of the pools", async (program) => {
    await using guest = await startKvp(within(program, noTemporaryFiles));
    expect(await guest.host.set(0, "key", "value")).toBe(HostStatus.ok);
  });

  differs("a new host name", {
    linux: [
      "is not noticed",
      async (program) => {
        await using guest = await startKvp(program);
        using _name = await hostName("other.example.org");
        expect(await fullName(guest.host)).toBe("guest.example.com");
      },
    ],
    hvguest: [
      "is told to the host",
      async (program) => {
        await using guest = await startKvp(program);
        expect(await fullName(guest.host)).toBe("guest.example.com");
        using _name = await hostName("other.example.org");
        while ((await fullName(guest.host)) !== "other.example.org") {
          await Bun.sleep(20);
        }
      },
    ],
  });
});

async function oneRound(host: KvpHost): Promise<void> {
  await host.set(0, "key", "value");
  await host.enumerate(0, 0);
  await host.enumerate(2, 2);
}

async function fullName(host: KvpHost): Promise<string | undefined> {
  return (await host.enumerate(2, 0)).body?.value;
}

function openFiles(pid: number): string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).map((fd) => readlinkSync(`${directory}/${fd}`));
}

async function hostName(name: string): Promise<Disposable> {
  const set = (text: string) => Bun.spawn(["/bin/hostname", text]).exited;
  const before = "guest";
  await set(name);
  return { [Symbol.dispose]: () => void set(before) };
}

function fullPipe(): { readonly writer: number; close(): void } {
  const path = `/run/full-pipe-${process.hrtime.bigint()}`;
  Bun.spawnSync(["mkfifo", path]);
  const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY);
  try {
    for (;;) {
      writeSync(reader, Buffer.alloc(4096));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") {
      throw error;
    }
  }
  return {
    writer,
    close: () => {
      closeSync(reader);
      closeSync(writer);
    },
  };
}
