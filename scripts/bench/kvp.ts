// Measures KVP daemons in turn on one stage.

import { daemonRuntime } from "../../src/cli/daemon-runtime.ts";
import { type Figure, limitGoal, ratioGoal, Samples, type Who } from "./figures.ts";
import type { BenchDaemon, BenchStage } from "./stage.ts";

export interface KvpBenchOptions {
  readonly rounds: number;
  /** Requests of each kind in one round. */
  readonly requests: number;
  readonly idleSeconds: number;
  readonly cpuRequests: number;
  /** Whether the time to start counts here. */
  readonly isBuildMachine: boolean;
}

const largePool = 1;
const adapterRequests = 10;
const records = 1000;
const smallPool = 0;
const clockTicks = 100;
/** After this what the start needed has been given back. */
const startedSeconds = 5;
/** After this the runtime has put its helper threads away. */
const settleSeconds = 20;

/** All figures of one stage. */
export async function benchKvp(stage: BenchStage, options: KvpBenchOptions): Promise<Figure[]> {
  await stage.sh("mkdir -p /var/lib/hyperv");
  await stage.writeFile(`/var/lib/hyperv/.kvp_pool_${largePool}`, thousandRecords());
  const samples = new Samples();
  for (let round = 0; round < options.rounds; round += 1) {
    const order: readonly Who[] = round % 2 === 0 ? ["ours", "c"] : ["c", "ours"];
    for (const who of order) {
      const byHand = await stage.start(who);
      samples.add("start by hand", who, byHand.startMilliseconds);
      await byHand.stop();
      const daemon = await stage.start(who, who === "ours" ? daemonRuntime : {});
      samples.add("start", who, daemon.startMilliseconds);
      await measureLatency(daemon, who, samples, options.requests);
    }
  }
  await stage.addAdapters();
  for (let round = 0; round < options.rounds; round += 1) {
    for (const who of ["ours", "c"] as const) {
      await measureAdapters(stage, await stage.start(who), who, samples);
    }
  }
  await stage.removeAdapters();
  for (const who of ["c", "ours"] as const) {
    await measureResources(stage, await stage.start(who), who, samples, options);
  }
  return figuresOf(samples, options);
}

async function measureLatency(
  daemon: BenchDaemon,
  who: Who,
  samples: Samples,
  requests: number,
): Promise<void> {
  for (let count = 0; count < 20; count += 1) {
    await daemon.set(smallPool, "key", `warm ${count}`);
    await daemon.enumerate(smallPool, 0);
  }
  // Hosts list pools again and again, and set seldom.
  for (let count = 0; count < requests; count += 1) {
    samples.add("enumerate", who, await microseconds(() => daemon.enumerate(smallPool, 0)));
  }
  for (let count = 0; count < requests; count += 1) {
    const value = `value ${count}`;
    samples.add("set", who, await microseconds(() => daemon.set(smallPool, "key", value)));
  }
  for (let count = 0; count < Math.max(2, requests / 50); count += 1) {
    samples.add("ip info", who, await microseconds(() => daemon.ipInfo()));
  }
  const before = performance.now();
  const listed = await daemon.list(largePool);
  samples.add("list", who, performance.now() - before);
  if (listed !== records) {
    throw new Error(`${who}: ${listed} of ${records} records were listed`);
  }
  for (let count = 0; count < requests / 10; count += 1) {
    const value = `value ${count}`;
    const set = () => daemon.set(largePool, "key 999", value);
    samples.add("set large", who, await microseconds(set));
  }
  await daemon.stop();
}

/** GET_IP_INFO on a machine with 16 adapters, and the processes that it costs. */
async function measureAdapters(
  stage: BenchStage,
  daemon: BenchDaemon,
  who: Who,
  samples: Samples,
): Promise<void> {
  await daemon.ipInfo();
  const first = await processesStarted(stage);
  const second = await processesStarted(stage);
  for (let count = 0; count < adapterRequests; count += 1) {
    samples.add("ip info of 16", who, await microseconds(() => daemon.ipInfo()));
  }
  const third = await processesStarted(stage);
  // Counting starts a process, too.
  const started = third - second - (second - first);
  samples.add("processes", who, started / adapterRequests);
  await daemon.stop();
}

/** Processes and threads started since the machine's boot. */
async function processesStarted(stage: BenchStage): Promise<number> {
  return Number(/^processes (\d+)$/m.exec(await stage.sh("cat /proc/stat"))?.[1]);
}

async function measureResources(
  stage: BenchStage,
  daemon: BenchDaemon,
  who: Who,
  samples: Samples,
  { cpuRequests, idleSeconds }: KvpBenchOptions,
): Promise<void> {
  const { pid } = daemon;
  await Bun.sleep(startedSeconds * 1000);
  await stage.sh("sync");
  samples.add("started", who, await memoryMiB(stage, pid, "Pss"));
  await daemon.set(smallPool, "key", "value");
  const before = await cpuSeconds(stage, pid);
  for (let count = 0; count < cpuRequests / 2; count += 1) {
    await daemon.set(smallPool, "key", `value ${count}`);
    await daemon.enumerate(smallPool, 0);
  }
  samples.add("cpu", who, (await cpuSeconds(stage, pid)) - before);
  await Bun.sleep(settleSeconds * 1000);
  // Text that the page cache has not written yet would count as private.
  await stage.sh("sync");
  for (const kind of ["Rss", "Pss", "Anonymous"]) {
    samples.add(kind, who, await memoryMiB(stage, pid, kind));
  }
  samples.add("threads", who, Number(await stage.sh(`ls /proc/${pid}/task | wc -l`)));
  const switches = await contextSwitches(stage, pid);
  await Bun.sleep(idleSeconds * 1000);
  samples.add("switches", who, (await contextSwitches(stage, pid)) - switches);
  await daemon.stop();
}

async function memoryMiB(stage: BenchStage, pid: number, kind: string): Promise<number> {
  const text = await stage.sh(`cat /proc/${pid}/smaps_rollup`);
  return Number(new RegExp(`^${kind}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
}

async function microseconds(act: () => Promise<void>): Promise<number> {
  const before = performance.now();
  await act();
  return (performance.now() - before) * 1000;
}

async function cpuSeconds(stage: BenchStage, pid: number): Promise<number> {
  const text = await stage.sh(`cat /proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / clockTicks;
}

async function contextSwitches(stage: BenchStage, pid: number): Promise<number> {
  const text = await stage.sh(`cat /proc/${pid}/task/*/status`);
  return text.matchAll(/ctxt_switches:\s+(\d+)/g).reduce((sum, match) => sum + Number(match[1]), 0);
}

function thousandRecords(): Buffer {
  const pool = Buffer.alloc(records * 2560);
  for (let record = 0; record < records; record += 1) {
    pool.write(`key ${record}`, record * 2560);
    pool.write(`value ${record}`, record * 2560 + 512);
  }
  return pool;
}

function figuresOf(samples: Samples, options: KvpBenchOptions): Figure[] {
  const median = (name: string) => samples.percentile(name, 50);
  const worst = (name: string) => samples.percentile(name, 99);
  const figure = (
    name: string,
    unit: Figure["unit"],
    values: Record<Who, number>,
    goal?: Figure["goal"],
  ): Figure => ({ name, unit, ...values, ...(goal === undefined ? {} : { goal }) });
  const [enumerate, set, list] = [median("enumerate"), median("set"), median("list")];
  const [ipInfo, ipInfo16] = [median("ip info"), median("ip info of 16")];
  const [start, pss] = [median("start"), median("Pss")];
  const started = median("started");
  const startGoal = options.isBuildMachine ? limitGoal(start.ours, 30, "ms") : undefined;
  return [
    figure("enumerate one item, p50", "µs", enumerate, ratioGoal(enumerate, 1)),
    figure("enumerate one item, p99", "µs", worst("enumerate")),
    figure("set a key, p50", "µs", set, ratioGoal(set, 0.8)),
    figure("set a key, p99", "µs", worst("set")),
    figure("set a key in a pool of 1,000 records, p50", "µs", median("set large")),
    figure("enumerate a pool of 1,000 records", "ms", list, ratioGoal(list, 0.05)),
    figure("GET_IP_INFO, p50", "µs", ipInfo, ratioGoal(ipInfo, 0.05)),
    figure("the same with 16 adapters", "µs", ipInfo16, ratioGoal(ipInfo16, 0.05)),
    figure("processes started by one GET_IP_INFO", "", median("processes")),
    figure("start to registered as its unit starts it, median", "ms", start, startGoal),
    figure("the same from a shell", "ms", median("start by hand")),
    figure(`CPU for ${options.cpuRequests} requests`, "s", median("cpu")),
    figure(
      "proportional memory (PSS), started",
      "MiB",
      started,
      limitGoal(started.ours, 40, "MiB"),
    ),
    figure("PSS after these requests", "MiB", pss, limitGoal(pss.ours, 40, "MiB")),
    figure("resident memory after them", "MiB", median("Rss")),
    figure("private memory (anonymous) after them", "MiB", median("Anonymous")),
    figure("threads", "", median("threads")),
    figure(`context switches in ${options.idleSeconds} s idle`, "", median("switches")),
  ];
}
