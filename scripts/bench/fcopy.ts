// Measures file copy in the lab: our daemon and the C daemon in turn, in the same
// guest, over the transport that its kernel has. MB/s as the host sees it, CPU time
// of the daemon for each GiB, its memory before and after.
//
//   sh scripts/run.sh scripts/bench/fcopy.ts [GUEST...] [--megabytes 100] [--rounds 3]
//                                            [--processors 1]

import { randomBytes } from "node:crypto";
import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Host } from "../../tests/lab/host/host.ts";
import { prepare } from "../../tests/lab/prepare.ts";
import { Context } from "../../tests/lab/runner/context.ts";
import { Daemon } from "../../tests/lab/runner/daemon.ts";
import { defaultGuests, type Who } from "../../tests/lab/runner/scenario.ts";
import { type GuestName, guestNames } from "../../tests/lab/vm/cache.ts";
import { Machine } from "../../tests/lab/vm/machine.ts";
import { repository } from "../process.ts";

interface Measurement {
  readonly megabytesPerSecond: number;
  readonly cpuSecondsPerGibibyte: number;
  /** Resident memory after a small copy, and after the large one. */
  readonly residentKibibytes: readonly [number, number];
}

const clockTicks = 100;

async function cpuSeconds(context: Context, pid: number): Promise<number> {
  const fields = (await context.sh(`cat /proc/${pid}/stat`)).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / clockTicks;
}

async function residentKibibytes(context: Context, pid: number): Promise<number> {
  return Number(await context.sh(`awk '/^VmRSS/ {print $2}' /proc/${pid}/status`));
}

async function measure(machine: Machine, who: Who, content: Buffer): Promise<Measurement> {
  const daemon = new Daemon(machine, who, "fcopy");
  using host = Host.of(machine);
  const context = new Context(machine, host, daemon, who);
  await daemon.start({ environment: process.env["LAB_ENV"] ?? "LAB=1" });
  const fcopy = await context.ready("fcopy");
  const pid = await daemon.pid();
  const warm = await fcopy.copy("/tmp/", "warm", content.subarray(0, 2_000_000), { flags: 1 });
  const memoryBefore = await residentKibibytes(context, pid);
  const before = await cpuSeconds(context, pid);
  const copied = await fcopy.copy("/tmp/", "bench", content, { flags: 1 });
  const after = await cpuSeconds(context, pid);
  const memoryAfter = await residentKibibytes(context, pid);
  await context.sh("rm -f /tmp/bench /tmp/warm");
  await daemon.stop("SIGTERM");
  if (warm.status !== 0 || copied.status !== 0) {
    throw new Error(`${who}: status ${copied.status} at ${copied.step}`);
  }
  return {
    megabytesPerSecond: content.length / 1e6 / (copied.milliseconds / 1000),
    cpuSecondsPerGibibyte: ((after - before) / content.length) * 2 ** 30,
    residentKibibytes: [memoryBefore, memoryAfter],
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function row(cells: readonly (string | number)[]): string {
  return `| ${cells.map((cell) => (typeof cell === "number" ? cell.toFixed(1) : cell)).join(" | ")} |`;
}

async function bench(guest: GuestName, content: Buffer, rounds: number, processors: number) {
  const share = mkdtempSync(join(tmpdir(), "hvguest-bench-"));
  try {
    linkSync(join(repository, "dist/hvguest"), join(share, "hvguest"));
    await using machine = await Machine.start({ guest, share, processors });
    const results: Record<Who, Measurement[]> = { ours: [], c: [] };
    for (let round = 0; round < rounds; round += 1) {
      for (const who of ["ours", "c"] as const) {
        results[who].push(await measure(machine, who, content));
      }
    }
    const rate = (who: Who) => median(results[who].map((one) => one.megabytesPerSecond));
    const cpu = (who: Who) => median(results[who].map((one) => one.cpuSecondsPerGibibyte));
    const memory = results.ours.at(-1)?.residentKibibytes ?? [0, 0];
    console.log(
      row([
        `${guest}, ${processors} CPU`,
        rate("ours"),
        rate("c"),
        (rate("ours") / rate("c")).toFixed(2),
        cpu("ours"),
        cpu("c"),
        memory.map((kibibytes) => (kibibytes / 1024).toFixed(1)).join(" → "),
      ]),
    );
  } finally {
    rmSync(share, { recursive: true });
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    megabytes: { type: "string", default: "100" },
    rounds: { type: "string", default: "3" },
    processors: { type: "string", default: "1" },
  },
});
const guests =
  positionals.length === 0
    ? defaultGuests
    : guestNames.filter((name) => positionals.includes(name));
await prepare(guests);
const content = randomBytes(Number(values.megabytes) * 1_000_000);
console.log(
  row(["guest", "ours MB/s", "C MB/s", "ratio", "ours CPU s/GiB", "C CPU s/GiB", "RSS MiB"]),
);
console.log(row(Array.from({ length: 7 }, () => "---")));
for (const guest of guests) {
  await bench(guest, content, Number(values.rounds), Number(values.processors));
}
