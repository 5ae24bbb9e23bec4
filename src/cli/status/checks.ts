// The checks of `hvguest doctor`: each looks at one thing and says what to do about it.

import { statSync } from "node:fs";
import { ConfigurationError, readConfiguration } from "../../agent/configuration.ts";
import { native } from "../../native/binding.ts";
import { Capability, hasCapability, selinuxDenials } from "../../platform/restrictions.ts";
import { poolCount, poolPath } from "../../services/kvp/pool-names.ts";
import { recordBytes } from "../../services/kvp/pool-record.ts";
import { notOfferedText } from "./status-text.ts";
import type { ServiceStatus, SystemStatus } from "./system-status.ts";

export interface Finding {
  readonly check: string;
  readonly result: "ok" | "note" | "warning" | "failure";
  readonly text: string;
  /** What to do. */
  readonly advice?: string;
}

/** All findings about a machine with a VMBus. */
export function findings(status: SystemStatus): Finding[] {
  return [
    addonFinding(),
    configurationFinding(status),
    ...status.services.map((service) => serviceFinding(service, status.machine.isConfidential)),
    ...driverFindings(status),
    ...capabilityFindings(status),
    ...denialFindings(status),
    ...poolFindings(status),
    clockFinding(status),
  ];
}

function addonFinding(): Finding {
  try {
    native();
    return { check: "native module", result: "ok", text: "it loads" };
  } catch (error) {
    return {
      check: "native module",
      result: "failure",
      text: error instanceof Error ? error.message : String(error),
      advice: "one of /dev/shm, /run and /var/lib must allow programs (no noexec), or memfd_create",
    };
  }
}

function configurationFinding({ paths }: SystemStatus): Finding {
  try {
    readConfiguration(paths.configuration);
    return { check: "configuration", result: "ok", text: `'${paths.configuration}' is right` };
  } catch (error) {
    if (error instanceof ConfigurationError) {
      return {
        check: "configuration",
        result: "failure",
        text: error.message,
        advice: "correct it, then: systemctl reload hvguest",
      };
    }
    throw error;
  }
}

function serviceFinding(service: ServiceStatus, isConfidential: boolean): Finding {
  const { name, offer, device, report, users } = service;
  const check = `service ${name}`;
  if (offer === undefined) {
    const advice =
      name === "fcopy"
        ? "on the host: Enable-VMIntegrationService 'Guest Service Interface' (it is off by default)"
        : "on the host: Enable-VMIntegrationService";
    const text = notOfferedText(isConfidential);
    return isConfidential
      ? { check, result: "note", text }
      : { check, result: "note", text, advice };
  }
  if (device === undefined) {
    return {
      check,
      result: "failure",
      text: "the host offers it, and the kernel shows no device",
      advice:
        name === "fcopy"
          ? "load uio_hv_generic (Linux 6.10 and later) or hv_utils"
          : "load hv_utils, or start with a kernel that has CONFIG_HYPERV_UTILS",
    };
  }
  const other = users.find(({ pid }) => pid !== report?.pid);
  if (other !== undefined) {
    return {
      check,
      result: "failure",
      text: `'${device}' is open in ${other.name} (process ${other.pid})`,
      advice: "only one program can have it: stop and disable that one",
    };
  }
  if (report === undefined) {
    return {
      check,
      result: "failure",
      text: `'${device}' is there and nothing serves it`,
      advice: "systemctl start hvguest; journalctl -u hvguest",
    };
  }
  if (report.phase !== "registered") {
    return {
      check,
      result: "failure",
      text: `${report.phase} since ${report.since}: ${report.status}`,
      advice: "journalctl -u hvguest",
    };
  }
  return { check, result: "ok", text: report.status };
}

/** What freezing and receiving files need, when an agent of ours runs without it. */
function capabilityFindings({ paths, services }: SystemStatus): Finding[] {
  const needed = { kvp: undefined, vss: Capability.sysAdmin, fcopy: Capability.dacOverride };
  return services.flatMap(({ name, report }) => {
    const capability = needed[name];
    return report !== undefined &&
      capability !== undefined &&
      hasCapability(paths, report.pid, capability) === false
      ? [
          {
            check: `service ${name}`,
            result: "failure" as const,
            text: `process ${report.pid} lacks CAP_${capability === Capability.sysAdmin ? "SYS_ADMIN" : "DAC_OVERRIDE"}`,
            advice:
              "it must run as root; look for CapabilityBoundingSet= in: systemctl cat hvguest",
          },
        ]
      : [];
  });
}

/** Short names of our processes (LISA and WALinuxAgent look for the first). */
const processNames = ["hv_kvp_daemon", "hv_vss_daemon", "hv_fcopy_daemon", "hvguest"];

function denialFindings({ paths, root }: SystemStatus): Finding[] {
  const denials = selinuxDenials(paths, root, processNames) ?? [];
  const last = denials.at(-1);
  return last === undefined
    ? []
    : [
        {
          check: "selinux",
          result: "warning",
          text: `SELinux has denied ${denials.length} times, the last: ${last}`,
          advice: "ausearch -m avc -c hv_kvp_daemon; restorecon -v /usr/sbin/hvguest",
        },
      ];
}

/** Services of the kernel that the host offers and no driver serves. */
function driverFindings({ kernelServices }: SystemStatus): Finding[] {
  return kernelServices.map(({ name, offer }) => {
    const check = `kernel ${name.replace("_", " ")}`;
    if (offer === undefined) {
      return { check, result: "note", text: "service disabled on host" };
    }
    return offer.driver === undefined
      ? {
          check,
          result: "failure",
          text: "the host offers it, and no driver serves it",
          advice: `load ${name === "dynamic_memory" ? "hv_balloon" : "hv_utils"}`,
        }
      : { check, result: "ok", text: `served by ${offer.driver}` };
  });
}

function poolFindings({ paths, services }: SystemStatus): Finding[] {
  if (services.find(({ name }) => name === "kvp")?.offer === undefined) {
    return [];
  }
  return Array.from({ length: poolCount }, (_, pool) => poolFinding(poolPath(paths.pools, pool)));
}

function poolFinding(path: string): Finding {
  const check = "pool";
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    return {
      check,
      result: "warning",
      text: `'${path}' is missing`,
      advice: "the agent makes it when it starts",
    };
  }
  if (!stat.isFile()) {
    return { check, result: "failure", text: `'${path}' is not a file`, advice: "remove it" };
  }
  if (stat.size % recordBytes !== 0) {
    return {
      check,
      result: "warning",
      text: `'${path}' ends in a partial record (${stat.size} bytes)`,
      advice: "the agent cuts it off at the next change",
    };
  }
  const count = stat.size / recordBytes;
  return { check, result: "ok", text: `'${path}' has ${count} record${count === 1 ? "" : "s"}` };
}

function clockFinding({ clock, isClockUsed, kernelServices }: SystemStatus): Finding {
  const check = "host clock";
  const isOffered = kernelServices.some(
    ({ name, offer }) => name === "time_sync" && offer !== undefined,
  );
  if (clock === undefined) {
    return isOffered
      ? {
          check,
          result: "warning",
          text: "hv_utils has no PTP clock",
          advice: "CONFIG_PTP_1588_CLOCK",
        }
      : { check, result: "note", text: "service disabled on host" };
  }
  if (isClockUsed === false) {
    return {
      check,
      result: "warning",
      text: `chrony does not use '${clock.device}'`,
      advice: "add to chrony.conf: refclock PHC /dev/ptp_hyperv poll 3 dpoll -2 offset 0 stratum 2",
    };
  }
  return {
    check,
    result: "ok",
    text: `'${clock.stableName ?? clock.device}'${isClockUsed === true ? ", used by chrony" : ""}`,
  };
}
