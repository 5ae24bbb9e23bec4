// Measures file copy in the lab: our daemon and the C daemon in turn, in the same
// guest, over the transport that its kernel has. MB/s as the host sees it, the time of
// one fragment (the tenth percentile, and the median) beside that of a heartbeat, which
// the guest's kernel answers by itself, CPU time of the daemon for each GiB, and its
// memory after a small and after a large file.
//
//   sh scripts/run.sh scripts/bench/fcopy.ts [GUEST...] [--megabytes 50] [--rounds 2]
//                                            [--processors 1]

import { randomBytes } from "node:crypto";
import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { FcopyHost } from "../../tests/lab/host/fcopy.ts";
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
  /** Milliseconds of each fragment. */
  readonly fragments: readonly number[];
  readonly cpuSecondsPerGibibyte: number;
  /** Resident memory after a small copy, and after the large one. */
  readonly residentKibibytes: readonly [number, number];
}

const clockTicks = 100;

/** Copies of each round of each daemon. */
const copies = 3;

/** A daemon is long at work: Bun's collector tidies up for half a minute after the start. */
const settlingMilliseconds = 35_000;

async function cpuSeconds(context: Context, pid: number): Promise<number> {
  const fields = (await context.sh(`cat /proc/${pid}/stat`)).split(" ");
  return (Number(fields[13]) + Number(fields[14])) / clockTicks;
}

async function residentKibibytes(context: Context, pid: number): Promise<number> {
  return Number(await context.sh(`awk '/^VmRSS/ {print $2}' /proc/${pid}/status`));
}

async function measure(machine: Machine, who: Who, content: Buffer): Promise<Measurement[]> {
  const daemon = new Daemon(machine, who, "fcopy");
  using host = Host.of(machine);
  const context = new Context(machine, host, daemon, who);
  await daemon.start();
  const fcopy = await context.ready("fcopy");
  const pid = await daemon.pid();
  await fcopy.copy("/tmp/", "bench", content.subarray(0, 2_000_000), { flags: 1 });
  if (who === "ours") {
    await Bun.sleep(settlingMilliseconds);
  }
  const results: Measurement[] = [];
  for (let round = 0; round < copies; round += 1) {
    const memoryBefore = await residentKibibytes(context, pid);
    const before = await cpuSeconds(context, pid);
    const [milliseconds, fragments] = await timedCopy(fcopy, content);
    const after = await cpuSeconds(context, pid);
    results.push({
      megabytesPerSecond: content.length / 1e6 / (milliseconds / 1000),
      fragments,
      cpuSecondsPerGibibyte: ((after - before) / content.length) * 2 ** 30,
      residentKibibytes: [memoryBefore, await residentKibibytes(context, pid)],
    });
  }
  await context.sh("rm -f /tmp/bench");
  await daemon.stop("SIGTERM");
  return results;
}

/** Copies a file; tells how long all of it and each of its fragments took. */
async function timedCopy(fcopy: FcopyHost, content: Buffer): Promise<[number, number[]]> {
  const fragments: number[] = [];
  let last = performance.now();
  const { status, step, milliseconds } = await fcopy.copy("/tmp/", "bench", content, {
    flags: 1,
    afterWrite: () => {
      const now = performance.now();
      fragments.push(now - last);
      last = now;
      return Promise.resolve(undefined);
    },
  });
  if (status !== 0) {
    throw new Error(`status ${status} at ${step}`);
  }
  return [milliseconds, fragments];
}

/** Milliseconds of each of some heartbeats. */
async function heartbeats(machine: Machine): Promise<readonly number[]> {
  using host = Host.of(machine);
  const heartbeat = await host.service("heartbeat");
  const times: number[] = [];
  for (let sequence = 1n; sequence <= 500n; sequence += 1n) {
    const started = performance.now();
    await heartbeat.beat(sequence);
    times.push(performance.now() - started);
  }
  return times;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** `180 / 240`: the tenth percentile and the median, in microseconds. */
function microseconds(milliseconds: readonly number[]): string {
  return [0.1, 0.5].map((share) => (quantile(milliseconds, share) * 1000).toFixed(0)).join(" / ");
}

async function bench(guest: GuestName, content: Buffer, rounds: number, processors: number) {
  const share = mkdtempSync(join(tmpdir(), "hvguest-bench-"));
  try {
    linkSync(join(repository, "dist/hvguest"), join(share, "hvguest"));
    await using machine = await Machine.start({ guest, share, processors });
    const results: Record<Who, Measurement[]> = { ours: [], c: [] };
    for (let round = 0; round < rounds; round += 1) {
      const turns = round % 2 === 0 ? (["ours", "c"] as const) : (["c", "ours"] as const);
      for (const who of turns) {
        results[who].push(...(await measure(machine, who, content)));
      }
    }
    const rates = (who: Who) => results[who].map((one) => one.megabytesPerSecond);
    const fragments = (who: Who) => results[who].flatMap((one) => one.fragments);
    const cpu = (who: Who) => {
      const seconds = results[who].map((one) => one.cpuSecondsPerGibibyte);
      return quantile(seconds, 0.5).toFixed(1);
    };
    const memory = results.ours.at(-1)?.residentKibibytes ?? [0, 0];
    console.log(
      row([
        `${guest}, ${guest === "g61" ? "device" : "ring"}`,
        quantile(rates("ours"), 0.5).toFixed(1),
        quantile(rates("c"), 0.5).toFixed(1),
        (quantile(rates("ours"), 0.5) / quantile(rates("c"), 0.5)).toFixed(2),
        microseconds(fragments("ours")),
        microseconds(fragments("c")),
        microseconds(await heartbeats(machine)),
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
    megabytes: { type: "string", default: "50" },
    rounds: { type: "string", default: "2" },
    processors: { type: "string", default: "1" },
  },
});
const guests =
  positionals.length === 0
    ? defaultGuests
    : guestNames.filter((name) => positionals.includes(name));
await prepare(guests);
const content = randomBytes(Number(values.megabytes) * 1_000_000);
const columns = [
  "guest, transport",
  "ours MB/s",
  "C MB/s",
  "ratio",
  "ours µs a fragment",
  "C µs a fragment",
  "heartbeat µs",
  "ours CPU s/GiB",
  "C CPU s/GiB",
  "ours RSS MiB",
];
console.log(row(columns));
console.log(row(columns.map(() => "---")));
for (const guest of guests) {
  await bench(guest, content, Number(values.rounds), Number(values.processors));
}
