// lsvmbus: the devices of the virtual machine bus, in the text of the kernel's
// tool (tools/hv/lsvmbus), which test suites and support scripts parse.

import { pathsFrom } from "../../platform/paths.ts";
import { type VmbusDevice, vmbusDevices, vmbusDirectory } from "../../platform/vmbus.ts";
import { vmbusClassDescription } from "../../protocol/vmbus-class.ts";
import { command, ExitStatus } from "../command.ts";

/** What stands where the kernel's tool would crash: the attribute could not be read. */
const unreadable = "?";

export const lsvmbus = command<{ verbose: number; json: boolean }>({
  usage: "lsvmbus",
  description: "List the devices of the virtual machine bus",
  options: (yargs) =>
    yargs
      .option("verbose", {
        alias: "v",
        type: "count",
        describe: "Show classes and channels (-v), identifiers and sysfs paths (-vv)",
      })
      .option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: ({ verbose, json }, { environment, print }) => {
    const paths = pathsFrom(environment);
    const devices = vmbusDevices(paths);
    if (devices === undefined) {
      print(`${vmbusDirectory(paths)} doesn't exist: exiting...\n`);
      return ExitStatus.noBus;
    }
    print(json ? lsvmbusJson(devices) : lsvmbusText(devices, verbose));
    return ExitStatus.done;
  },
});

/** The text for none, one, and two or more -v. */
export function lsvmbusText(devices: readonly VmbusDevice[], verbose: number): string {
  return devices.map((device) => deviceText(device, verbose)).join("");
}

function deviceText(device: VmbusDevice, verbose: number): string {
  const number = String(device.id ?? unreadable).padStart(2);
  const description = vmbusClassDescription(device.classId);
  if (verbose === 0) {
    return `VMBUS ID ${number}: ${description}\n`;
  }
  const lines = [
    `VMBUS ID ${number}: Class_ID = ${device.classId ?? unreadable} - ${description}`,
    ...(verbose > 1
      ? [`\tDevice_ID = ${device.deviceId ?? unreadable}`, `\tSysfs path: ${device.path}`]
      : []),
    ...device.channels.map(
      (channel) => `\tRel_ID=${channel.relId}, target_cpu=${channel.targetCpu}`,
    ),
  ];
  return `${lines.join("\n")}\n\n`;
}

/** Everything that is known of each device, absent where it could not be read. */
export function lsvmbusJson(devices: readonly VmbusDevice[]): string {
  const list = devices.map((device) => ({
    id: device.id,
    description: vmbusClassDescription(device.classId),
    class_id: device.classId,
    device_id: device.deviceId,
    sysfs_path: device.path,
    driver: device.driver,
    state: device.state,
    channels: device.channels.map((channel) => ({
      rel_id: channel.relId,
      target_cpu: channel.targetCpu,
      ...channel.counters,
    })),
  }));
  return `${JSON.stringify({ devices: list })}\n`;
}
