// The devices of the virtual machine bus as sysfs shows them
// (Documentation/ABI/stable/sysfs-bus-vmbus).

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { Paths } from "./paths.ts";

/** `enum vmbus_channel_state` (include/linux/hyperv.h), in its order. */
const channelStates = ["offered", "opening", "open", "opened"] as const;

/** Files of a channel's folder that hold one number. Some exist only while it is open. */
const counterNames = [
  "subchannel_id",
  "monitor_id",
  "in_mask",
  "out_mask",
  "read_avail",
  "write_avail",
  "interrupts",
  "events",
  "intr_in_full",
  "intr_out_empty",
  "out_full_first",
  "out_full_total",
] as const;

/** A device. What sysfs does not show, or does not let us read, is undefined. */
export interface VmbusDevice {
  /** The name of its folder: the instance's GUID without braces. */
  readonly name: string;
  /** Its folder below `/sys/bus/vmbus/devices`. */
  readonly path: string;
  readonly id: number | undefined;
  /** With braces, lower case. */
  readonly classId: string | undefined;
  readonly deviceId: string | undefined;
  readonly driver: string | undefined;
  /** `uio0`, when the device is driven from user space. */
  readonly uioName: string | undefined;
  /** A word of {@link channelStates}, or the number that is none of them. */
  readonly state: string | undefined;
  /** In the order of their numbers. */
  readonly channels: readonly VmbusChannel[];
}

export interface VmbusChannel {
  readonly relId: number;
  readonly targetCpu: number;
  /** Those counters of the channel that could be read. */
  readonly counters: Readonly<Record<string, number>>;
}

export function vmbusDirectory(paths: Paths): string {
  return `${paths.sys}/bus/vmbus/devices`;
}

/**
 * All devices, in the order of their numbers, those without a number last; or
 * undefined when there is no VMBus. A device that goes while it is looked at is
 * left out; an attribute that cannot be read is undefined.
 */
export function vmbusDevices(paths: Paths): VmbusDevice[] | undefined {
  const directory = vmbusDirectory(paths);
  const names = entriesOf(directory);
  return names
    ?.map((name) => deviceAt(`${directory}/${name}`))
    .filter((device) => device !== undefined)
    .toSorted((a, b) => (a.id ?? Infinity) - (b.id ?? Infinity) || (a.name < b.name ? -1 : 1));
}

function deviceAt(path: string): VmbusDevice | undefined {
  if (entriesOf(path) === undefined) {
    return undefined;
  }
  return {
    name: basename(path),
    path,
    id: wholeNumber(attribute(`${path}/id`)),
    classId: attribute(`${path}/class_id`),
    deviceId: attribute(`${path}/device_id`),
    driver: driverOf(path),
    uioName: entriesOf(`${path}/uio`)?.[0],
    state: stateOf(attribute(`${path}/state`)),
    channels: channelsOf(path),
  };
}

/** `channel_vp_mapping` has a line `relid:cpu` for each channel. */
function channelsOf(path: string): VmbusChannel[] {
  return (attribute(`${path}/channel_vp_mapping`) ?? "")
    .split("\n")
    .map((line) => line.trim().split(":"))
    .flatMap(([number, cpu]) => {
      const relId = wholeNumber(number);
      const targetCpu = wholeNumber(cpu);
      return relId === undefined || targetCpu === undefined
        ? []
        : [{ relId, targetCpu, counters: countersOf(`${path}/channels/${relId}`) }];
    })
    .toSorted((a, b) => a.relId - b.relId);
}

function countersOf(path: string): Record<string, number> {
  return Object.fromEntries(
    counterNames.flatMap((name) => {
      const value = wholeNumber(attribute(`${path}/${name}`));
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function stateOf(value: string | undefined): string | undefined {
  return channelStates[wholeNumber(value) ?? -1] ?? value;
}

function driverOf(path: string): string | undefined {
  try {
    return basename(readlinkSync(`${path}/driver`));
  } catch {
    // No driver is bound, or we may not know.
    return undefined;
  }
}

function attribute(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Gone with its device, not for us, or EINVAL while the channel is closed.
    return undefined;
  }
}

function entriesOf(directory: string): string[] | undefined {
  try {
    return readdirSync(directory);
  } catch {
    // Not there, which is what undefined says.
    return undefined;
  }
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
