// File copy under the fuzzer. Files may arrive in one directory only, by configuration.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { FcopyDriver } from "../fake-kernel/fcopy-driver.ts";
import { FCOPY_FRAGMENT_BYTES, FcopyHost, FcopyLayout } from "../fake-kernel/fcopy-host.ts";
import type { Random } from "./random.ts";
import { disturb, type FuzzTarget, statusFault } from "./target.ts";

const directory = "/srv/fuzz";
/** A host that gets out of the directory writes here. */
const forbidden = "/srv/outside";

const configuration = "/etc/hvguest/hvguest.toml";

/** Restricts file copy; to be called before the daemon starts. */
export function restrictFileCopy(): void {
  mkdirSync(directory, { recursive: true });
  mkdirSync(forbidden, { recursive: true });
  const settings = `[fcopy]\nallowed_directories = ["${directory}"]\nlargest_file_mib = 1\n`;
  writeFileSync(configuration, settings);
}

/** Takes the restriction back. */
export function allowFileCopy(): void {
  rmSync(configuration);
}

export const fcopyTarget: FuzzTarget = {
  service: "fcopy",
  offer: (bus) => bus.offerFcopy(),
  message: (random) => {
    const message = nearlyRight(random);
    // Of those with a path nothing is disturbed: it must stay one of ours.
    const isWrite = message.length === FcopyLayout.write.bytes;
    return isWrite && random.once(5) ? disturb(message, random) : message;
  },
  mustAnswer: (message) => isWhole(message),
  faultOf: (reply) => (reply.length === 4 ? statusFault(reply) : `${reply.length} bytes`),
  canary: async (driver, round) => {
    if (!(driver instanceof FcopyDriver)) {
      throw new Error("not the driver of fcopy");
    }
    const escaped = readdirSync(forbidden);
    if (escaped.length > 0) {
      throw new Error(`a file arrived outside: ${escaped.join(", ")}`);
    }
    rmSync(directory, { recursive: true });
    mkdirSync(directory);
    const data = Buffer.alloc(7000, String(round));
    const file = { path: directory, name: "canary", data };
    const status = await new FcopyHost(driver).copy(file);
    const path = `${directory}/canary`;
    if (status !== 0 || !existsSync(path) || !readFileSync(path).equals(data)) {
      throw new Error(`the canary of round ${round} did not arrive, status ${status.toString(16)}`);
    }
  },
};

/** A message of a known operation and its size, in which the sizes are possible. */
function isWhole(message: Buffer): boolean {
  const { start, write, headerBytes } = FcopyLayout;
  if (message.length < headerBytes) {
    return false;
  }
  const sizes = [start.bytes, write.bytes, headerBytes, headerBytes];
  return message.length === sizes[message.readUInt32LE(0)];
}

function nearlyRight(random: Random): Buffer {
  const { start, write, headerBytes } = FcopyLayout;
  if (random.once(300)) {
    // Never a whole START: its path could be any.
    return random.bytes(random.below(start.bytes - 1) + 1);
  }
  switch (random.pick(["start", "write", "write", "write", "complete", "cancel"])) {
    case "start": {
      const message = Buffer.alloc(start.bytes);
      message.writeUInt32LE(0);
      const path = random.pick([directory, `${directory}/`, `${directory}/a/b`, forbidden]);
      const escape = random.pick(["", "", "/../outside", "/../../srv/outside/", "//./x"]);
      message.write(path + escape, start.pathName);
      random.text(500).copy(message, start.fileName);
      message.writeUInt32LE(random.once(10) ? random.u32() : random.below(4), start.flags);
      message.writeBigUInt64LE(BigInt(random.once(5) ? random.u32() : 20_000), start.size);
      return message;
    }
    case "write": {
      const message = Buffer.alloc(write.bytes);
      message.writeUInt32LE(1);
      const place = random.once(10) ? random.u32() : random.below(4) * FCOPY_FRAGMENT_BYTES;
      message.writeBigUInt64LE(BigInt(place), write.offset);
      message.writeUInt32LE(random.once(10) ? random.u32() : FCOPY_FRAGMENT_BYTES, write.size);
      return message;
    }
    case "complete":
      return bare(2, headerBytes);
    default:
      return bare(3, headerBytes);
  }
}

function bare(operation: number, bytes: number): Buffer {
  const message = Buffer.alloc(bytes);
  message.writeUInt32LE(operation);
  return message;
}
