// File systems in files, mounted for one test, which nobody else uses: they may be
// frozen. Only inside tests/fake-kernel/private-machine.sh.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";

export type FileSystemType = "ext4" | "xfs" | "btrfs";

const makers: Readonly<
  Record<FileSystemType, { readonly bytes: number; readonly argv: string[] }>
> = {
  ext4: { bytes: 32 << 20, argv: ["mkfs.ext4", "-qF"] },
  xfs: { bytes: 300 << 20, argv: ["mkfs.xfs", "-q"] },
  btrfs: { bytes: 128 << 20, argv: ["mkfs.btrfs", "-q"] },
};
const loopNodes = 64;

export class LoopMounts implements Disposable {
  readonly directory: string;
  readonly #mounted: string[] = [];

  constructor() {
    if (!isPrivateMachine()) {
      throw new Error("file systems are mounted on a private machine alone");
    }
    for (let number = 0; number < loopNodes; number += 1) {
      if (!existsSync(`/dev/loop${number}`)) {
        command("mknod", `/dev/loop${number}`, "b", "7", String(number));
      }
    }
    this.directory = mkdtempSync("/tmp/mounts-");
    // Servers of a test may run as other users.
    chmodSync(this.directory, 0o755);
  }

  /** Makes and mounts a file system; its image may be put on one made before. */
  make(
    type: FileSystemType,
    name: string = type,
    imageDirectory = this.directory,
    bytes: number = makers[type].bytes,
  ): string {
    const image = `${imageDirectory}/${name}.img`;
    writeFileSync(image, "");
    truncateSync(image, bytes);
    command(...makers[type].argv, image);
    return this.mount(name, "-o", "loop", image);
  }

  /** Mounts a copy, as a restored machine does. */
  mountCopy(name: string, copy: string): string {
    return this.mount(copy, "-o", "loop", `${this.directory}/${name}.copy`);
  }

  /** Copies the disk of a file system, as a host does that takes a snapshot. */
  copyDisk(name: string): void {
    command("cp", `${this.directory}/${name}.img`, `${this.directory}/${name}.copy`);
  }

  /** mount(8) with these arguments and a new directory. */
  mount(name: string, ...argv: readonly string[]): string {
    const path = `${this.directory}/${name}`;
    mkdirSync(path);
    command("mount", ...argv, path);
    this.#mounted.push(path);
    return path;
  }

  [Symbol.dispose](): void {
    for (const path of this.#mounted.toReversed()) {
      // Whatever a test has left: nothing stays frozen, nothing stays mounted.
      spawnSync("fsfreeze", ["--unfreeze", path]);
      spawnSync("umount", ["--lazy", path]);
    }
  }
}

/** Runs a program that must succeed. */
export function command(...[program = "", ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { cwd: "/", encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`);
  }
}

/**
 * A write to a file system, which lasts as long as it is frozen. A process of its own:
 * writes that wait would take all threads of Bun's pool, which serves the fake kernel too.
 */
export class Write {
  isDone = false;
  readonly done: Promise<void>;

  constructor(mountPoint: string) {
    const argv = ["touch", `${mountPoint}/written-by-a-test`];
    const child = Bun.spawn(argv, { stdout: "ignore", stderr: "inherit" });
    this.done = child.exited.then((status) => {
      if (status !== 0) {
        throw new Error(`touch on '${mountPoint}' ends with ${status}, ${child.signalCode}`);
      }
      this.isDone = true;
    });
  }

  /** Whether it has ended within so many milliseconds. */
  async endsWithin(milliseconds: number): Promise<boolean> {
    await Promise.race([this.done, Bun.sleep(milliseconds)]);
    return this.isDone;
  }
}

/** Whether each file system takes writes within so many milliseconds. */
export async function areWritable(
  paths: readonly string[],
  milliseconds: number,
): Promise<boolean> {
  const writes = paths.map((path) => new Write(path).endsWithin(milliseconds));
  return (await Promise.all(writes)).every(Boolean);
}
