// Everything that `hvguest status` and `hvguest doctor` look at, as one object.

import { existsSync } from "node:fs";
import { readServiceReports, type ServiceReport } from "../../agent/service-report.ts";
import { type DeviceUser, usersOf } from "../../platform/device-users.ts";
import {
  chronyUsesHostClock,
  hostClock,
  type HostClock,
  type MachineFacts,
  machineFacts,
} from "../../platform/machine-facts.ts";
import { type Paths, pathsFrom } from "../../platform/paths.ts";
import { type VmbusDevice, vmbusDevices } from "../../platform/vmbus.ts";
import { VmbusClass } from "../../protocol/vmbus-class.ts";
import type { ServiceName } from "../../services/service.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceStatus {
  readonly name: ServiceName;
  /** The VMBus device, when the host offers the service. */
  readonly offer: VmbusDevice | undefined;
  /** The device file that an agent opens, when it is there. */
  readonly device: string | undefined;
  readonly users: readonly DeviceUser[];
  /** Undefined when no agent of ours serves it. */
  readonly report: ServiceReport | undefined;
}

/** A service that the kernel answers by itself. */
export interface KernelService {
  readonly name: "shutdown" | "heartbeat" | "time_sync" | "dynamic_memory";
  readonly offer: VmbusDevice | undefined;
}

export interface SystemStatus {
  readonly paths: Paths;
  /** What HVGUEST_ROOT puts before /etc and /var. */
  readonly root: string;
  readonly hasVmbus: boolean;
  readonly machine: MachineFacts;
  readonly services: readonly ServiceStatus[];
  readonly kernelServices: readonly KernelService[];
  readonly clock: HostClock | undefined;
  /** Whether chrony uses the host's clock; undefined without chrony. */
  readonly isClockUsed: boolean | undefined;
}

const serviceClasses = {
  kvp: VmbusClass.kvp,
  vss: VmbusClass.vss,
  fcopy: VmbusClass.fcopy,
} as const satisfies Record<ServiceName, string>;

const kernelClasses = {
  shutdown: VmbusClass.shutdown,
  heartbeat: VmbusClass.heartbeat,
  time_sync: VmbusClass.timeSync,
  dynamic_memory: VmbusClass.dynamicMemory,
} as const;

export function systemStatus(environment: Environment): SystemStatus {
  const paths = pathsFrom(environment);
  const root = environment["HVGUEST_ROOT"] ?? "";
  const devices = vmbusDevices(paths);
  const reports = readServiceReports(paths);
  const offerOf = (classId: string) => devices?.find((device) => device.classId === classId);
  const serviceNames = Object.keys(serviceClasses) as ServiceName[];
  const kernelNames = Object.keys(kernelClasses) as KernelService["name"][];
  return {
    paths,
    root,
    hasVmbus: devices !== undefined,
    machine: machineFacts(paths),
    services: serviceNames.map((name) => {
      const offer = offerOf(serviceClasses[name]);
      const device = deviceOf(paths, name, offer);
      return {
        name,
        offer,
        device,
        users: device === undefined ? [] : usersOf(paths, device),
        report: reports.find(({ service }) => service === name),
      };
    }),
    kernelServices: kernelNames.map((name) => ({ name, offer: offerOf(kernelClasses[name]) })),
    clock: hostClock(paths),
    isClockUsed: chronyUsesHostClock(root),
  };
}

function deviceOf(
  paths: Paths,
  name: ServiceName,
  offer: VmbusDevice | undefined,
): string | undefined {
  const character = `${paths.dev}/vmbus/hv_${name}`;
  if (existsSync(character)) {
    return character;
  }
  const uio = offer?.uioName;
  return uio === undefined ? undefined : `${paths.dev}/${uio}`;
}
