// Measures backups: from the host's request to frozen and to thawed, with ours and the
// C daemon in turn in one guest. Prints a table in Markdown.
//   scripts/run.sh scripts/bench/vss.ts [--guest g61] [--cycles 10]

import { spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Host } from "../../tests/lab/host/host.ts";
import { prepare } from "../../tests/lab/prepare.ts";
import { Daemon } from "../../tests/lab/runner/daemon.ts";
import { guestNames } from "../../tests/lab/vm/cache.ts";
import { until } from "../../tests/lab/vm/deadline.ts";
import { Machine } from "../../tests/lab/vm/machine.ts";
import { executablePath } from "../build.ts";
import { ensureDebianPackages } from "../debian-packages.ts";
import { Samples, type Who } from "./figures.ts";

/** File systems to freeze, and the ratio to the C daemon that is wanted. */
const counts: readonly [count: number, goal: number][] = [
  [1, 1],
  [2, 1],
  [10, 1],
  [20, 0.5],
  [50, 0.5],
];
const most = 50;
const mebibyte = 1 << 20;
const fileSystemBytes = 8 * mebibyte;
const rounds = 4;

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      guest: { type: "string", default: "g61" },
      cycles: { type: "string", default: "10" },
    },
  });
  const guest = guestNames.find((name) => name === values.guest);
  if (guest === undefined) {
    throw new Error(`--guest: need one of ${guestNames.join(", ")}`);
  }
  ensureDebianPackages(["fdisk", "e2fsprogs"]);
  await prepare([guest]);
  const directory = mkdtempSync(join(tmpdir(), "hvguest-bench-vss-"));
  try {
    linkSync(executablePath, join(directory, "hvguest"));
    const disk = join(directory, "disk.img");
    makeDisk(disk);
    await using machine = await Machine.start({
      guest,
      share: directory,
      disks: false,
      extra: [
        "-drive",
        `if=none,id=many,format=raw,file=${disk}`,
        "-device",
        // With event_idx a notification of the emulated disk is lost now and then, when
        // many requests are under way: a write never ends.
        "virtio-blk-pci,drive=many,event_idx=off",
      ],
    });
    const samples = new Samples();
    let mounted = 0;
    for (const [count] of counts) {
      await mountMore(machine, mounted, count);
      mounted = count;
      for (let round = 0; round < rounds; round += 1) {
        const order: readonly Who[] = round % 2 === 0 ? ["ours", "c"] : ["c", "ours"];
        for (const who of order) {
          await measure(machine, who, count, Number(values.cycles), samples);
        }
      }
    }
    console.log(table(samples));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** A disk of 50 partitions, with the same small ext4 on each. */
function makeDisk(path: string): void {
  const template = `${path}.template`;
  writeFileSync(template, new Uint8Array(fileSystemBytes));
  command(["mkfs.ext4", "-q", "-F", template]);
  const content = readFileSync(template);
  rmSync(template);
  const fd = openSync(path, "w");
  const startOf = (number: number) => mebibyte + number * fileSystemBytes;
  ftruncateSync(fd, startOf(most) + mebibyte);
  const lines = Array.from({ length: most }, (_, number) => {
    writeSync(fd, content, 0, content.length, startOf(number));
    return `start=${startOf(number) / 512}, size=${fileSystemBytes / 512}`;
  });
  closeSync(fd);
  command(["sfdisk", "--quiet", path], `label: gpt\n${lines.join("\n")}\n`);
}

function command([program = "", ...args]: readonly string[], input = ""): void {
  const { status, stderr } = spawnSync(program, args, { input, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${program}: ${stderr}`);
  }
}

async function mountMore(machine: Machine, from: number, to: number): Promise<void> {
  const mounts = Array.from({ length: to - from }, (_, index) => {
    const number = from + index + 1;
    return `mkdir -p /mnt/p${number} && mount -t ext4 /dev/vda${number} /mnt/p${number}`;
  });
  await machine.run(mounts.join(" && "));
}

async function measure(
  machine: Machine,
  who: Who,
  count: number,
  cycles: number,
  samples: Samples,
): Promise<void> {
  const daemon = new Daemon(machine, who, "vss");
  using host = Host.of(machine);
  await daemon.start(who === "ours" ? { as: "hv_vss_daemon" } : {});
  const vss = await host.service("vss");
  await until(60_000, "the daemon", async () => (await vss.check()).status === 0, 100);
  for (let cycle = 0; cycle <= cycles; cycle += 1) {
    await machine.run(`for p in /mnt/p*; do echo ${cycle} > $p/file; done`);
    const check = await vss.check();
    const freeze = await vss.freeze();
    const thaw = await vss.thaw();
    if (check.status !== 0 || freeze.status !== 0 || thaw.status !== 0) {
      throw new Error(`${who}: ${check.status}, ${freeze.status}, ${thaw.status}`);
    }
    // The first one warms up.
    if (cycle > 0) {
      samples.add(`freeze ${count}`, who, freeze.milliseconds);
      samples.add(`thaw ${count}`, who, thaw.milliseconds);
    }
  }
  await daemon.stop();
}

function table(samples: Samples): string {
  const rows = counts.flatMap(([count, goal]) =>
    (["freeze", "thaw"] as const).map((act) => {
      const { ours, c } = samples.percentile(`${act} ${count}`, 50);
      const verdict = `≤ ${goal.toFixed(1)}×: ${ours <= goal * c ? "met" : "missed"}`;
      return [
        `${act} ${count} file system${count === 1 ? "" : "s"}, p50`,
        `${ours.toFixed(1)} ms`,
        `${c.toFixed(1)} ms`,
        `${(ours / c).toFixed(2)}×`,
        verdict,
      ];
    }),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["", "hvguest", "C daemon", "ratio", "goal"]),
    "| --- | --: | --: | --: | --: |",
    ...rows.map(line),
  ].join("\n");
}

await main(process.argv.slice(2));
