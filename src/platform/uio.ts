// A VMBus device in user space: finds it by its class, binds it to uio_hv_generic
// where nobody has done so, and tells its node and the size of its rings.

import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { Paths } from "./paths.ts";
import { findProgram, run } from "./run-command.ts";

/** A bound device. */
export interface UioDevice {
  /** /dev/uioN */
  readonly node: string;
  /** Bytes of the two rings, which are the first map. */
  readonly mapBytes: number;
}

/** The device is offered, but the driver cannot be had. */
export class UioError extends Error {
  override readonly name = "UioError";
}

const driver = "uio_hv_generic";
const modprobeSeconds = 20;

/**
 * The device of a class (`{34d14be3-…}`, lower case), or undefined when the host
 * does not offer it, or its node is not there yet.
 * @throws UioError when the driver cannot be loaded or bound.
 */
export async function uioDevice(paths: Paths, classId: string): Promise<UioDevice | undefined> {
  const device = deviceOfClass(paths, classId);
  if (device === undefined) {
    return undefined;
  }
  if (nameOfUio(device) === undefined) {
    // Before 6.10 the device belongs to hv_utils, which may not be loaded yet.
    if (driverOf(device) === undefined) {
      await load("hv_utils").catch(() => undefined);
    }
    if (driverOf(device) === undefined) {
      await bind(paths, device, classId);
    }
  }
  const name = nameOfUio(device);
  if (name === undefined) {
    return undefined;
  }
  const size = readText(`${device}/uio/${name}/maps/map0/size`);
  // Before the node appears in /dev its attributes may be missing: look again then.
  return size === undefined ? undefined : { node: `${paths.dev}/${name}`, mapBytes: Number(size) };
}

/** The directory in sysfs of the first device of a class. */
function deviceOfClass(paths: Paths, classId: string): string | undefined {
  const devices = `${paths.sys}/bus/vmbus/devices`;
  return entries(devices)
    .map((name) => `${devices}/${name}`)
    .find((device) => readText(`${device}/class_id`)?.toLowerCase() === classId);
}

function nameOfUio(device: string): string | undefined {
  return entries(`${device}/uio`).find((name) => /^uio\d+$/.test(name));
}

function driverOf(device: string): string | undefined {
  try {
    return basename(readlinkSync(`${device}/driver`));
  } catch {
    // No driver, or the device is just going.
    return undefined;
  }
}

async function bind(paths: Paths, device: string, classId: string): Promise<void> {
  const directory = `${paths.sys}/bus/vmbus/drivers/${driver}`;
  if (entries(directory).length === 0) {
    await load(driver);
  }
  // EEXIST: the driver knows the class already, and does not look for devices again.
  if (!put(`${directory}/new_id`, classId.replaceAll(/[{}]/g, ""), "EEXIST")) {
    // ENODEV, EBUSY: it is just gone, or bound by now.
    put(`${directory}/bind`, basename(device), "ENODEV", "EBUSY");
  }
}

/** Writes an attribute of the driver; false when the kernel says one of the errors `but`. */
function put(attribute: string, text: string, ...but: string[]): boolean {
  try {
    writeFileSync(attribute, text);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && but.includes(String(error.code))) {
      return false;
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new UioError(`bind ${driver}: ${reason}`, { cause: error });
  }
}

async function load(module: string): Promise<void> {
  const modprobe = findProgram("modprobe");
  if (modprobe === undefined) {
    throw new UioError(`load ${module}: modprobe is not installed`);
  }
  const { status, stderr } = await run(modprobe, [module], { timeoutSeconds: modprobeSeconds });
  if (status !== 0) {
    throw new UioError(`load ${module}: ${stderr.trim() || `modprobe ended with ${status}`}`);
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    // Not there: no device, no driver, or just going.
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not there, or just going.
    return undefined;
  }
}
