// The command line of the daemons, and how they go into the background.

import { expect } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { contract } from "./contract.ts";
import { DaemonProcess, processesNamed } from "./daemon-process.ts";
import { type DaemonProgram, namedDaemons } from "./daemons.ts";
import { eventually } from "./eventually.ts";
import { emptyBus } from "./guests.ts";
import { offer, services } from "./offers.ts";

for (const service of services) {
  contract(
    service,
    "options",
    ({ both, differs, ours }) => {
      differs("-h and --help", {
        linux: [
          "print the options to standard error",
          async (program) => {
            const { status, stderr } = await run(program, "-h");
            // hv_fcopy_daemon takes its own help for a mistake.
            expect([status, stderr.includes("--no-daemon")]).toEqual([
              service === "fcopy" ? 1 : 0,
              true,
            ]);
          },
        ],
        hvguest: [
          "print the options to standard output",
          async (program) => {
            for (const option of ["-h", "--help"]) {
              const { status, stdout, stderr } = await run(program, option);
              expect([status, stderr, stdout.includes("--no-daemon")]).toEqual([0, "", true]);
            }
          },
        ],
      });

      differs("a wrong option", {
        linux: [
          "prints the options, with status 1",
          async (program) => {
            expect(await run(program, "--wrong")).toMatchObject({ status: 1 });
          },
        ],
        hvguest: [
          "is told in one line, with status 2",
          async (program) => {
            const { status, stdout, stderr } = await run(program, "--wrong");
            expect([status, stdout]).toEqual([2, ""]);
            expect(stderr).toMatch(/^[^\n]*--wrong[^\n]*\n$/);
          },
        ],
      });

      both("stays in the foreground with --no-daemon", async (program) => {
        using bus = emptyBus();
        const driver = offer(bus, service);
        await using daemon = new DaemonProcess(withOptions(program, "--no-daemon"));
        await driver.ready();
        expect(daemon.isRunning).toBe(true);
      });

      // The daemon of Linux 6.1 does not have it; later ones do.
      ours("shows every message with --debug", async (program) => {
        using bus = emptyBus();
        const driver = offer(bus, service);
        await using daemon = new DaemonProcess(withOptions(program, "-n", "--debug"));
        await driver.ready();
        await daemon.said("registered with the kernel");
      });
    },
    namedDaemons(service),
  );

  contract(
    service,
    "in the background",
    ({ differs, ours }) => {
      differs("without -n it goes into the background", {
        linux: [
          "at once",
          async (program) => {
            using bus = emptyBus();
            const driver = offer(bus, service);
            expect(await runDetached(program)).toBe(0);
            await driver.ready();
            await endAll(program.processName);
          },
        ],
        hvguest: [
          "when it has registered",
          async (program) => {
            using bus = emptyBus();
            const driver = offer(bus, service);
            expect(await runDetached(program)).toBe(0);
            expect(driver.isReady).toBe(true);
            expect(processesNamed(program.processName)).toHaveLength(1);
            await endAll(program.processName);
          },
        ],
      });

      differs("without -n and without the service", {
        linux: [
          "it says nothing of it",
          async (program) => {
            using _bus = emptyBus();
            expect(await runDetached(program)).toBe(0);
          },
        ],
        hvguest: [
          "it has status 69, and nothing stays behind",
          async (program) => {
            using _bus = emptyBus();
            expect(await runDetached(program)).toBe(69);
            await eventually(() => processesNamed(program.processName), []);
          },
        ],
      });

      ours("fails with the reason when another daemon has the device", async (program) => {
        using bus = emptyBus();
        const driver = offer(bus, service);
        await using _first = new DaemonProcess(program);
        await driver.ready();
        const { status, stderr } = await run(withOptions(program), undefined);
        expect(status).toBe(1);
        expect(stderr).toContain("busy");
        expect(processesNamed(program.processName)).toHaveLength(1);
      });
    },
    namedDaemons(service),
  );
}

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The daemon with one option, to its end. */
async function run({ argv }: DaemonProgram, option: string | undefined): Promise<Ended> {
  const child = Bun.spawn([argv[0] ?? "", ...(option === undefined ? [] : [option])], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

function withOptions(program: DaemonProgram, ...options: readonly string[]): DaemonProgram {
  return { ...program, argv: [...program.argv.slice(0, 1), ...options] };
}

/** Starts a daemon without -n, and gives the status of the process that was started. */
async function runDetached({ argv }: DaemonProgram): Promise<number> {
  // The background process keeps what it inherits: pipes would not end.
  const nothing = openSync("/dev/null", "r+");
  const child = Bun.spawn(argv.slice(0, 1), { stdio: [nothing, nothing, nothing] });
  const status = await child.exited;
  closeSync(nothing);
  return status;
}

async function endAll(name: string): Promise<void> {
  for (const pid of processesNamed(name)) {
    process.kill(pid, "SIGTERM");
  }
  // They are not our children: there is nothing to wait on.
  while (processesNamed(name).length > 0) {
    await Bun.sleep(5);
  }
}
