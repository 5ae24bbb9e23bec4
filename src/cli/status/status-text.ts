// The words of `hvguest status`.

import { printable } from "../../log.ts";
import type { KernelService, ServiceStatus, SystemStatus } from "./system-status.ts";

/** For people: a line for the machine, and one for each service. */
export function statusText(status: SystemStatus): string {
  const { machine, clock } = status;
  const firmware = machine.isUefi ? `UEFI, Secure Boot ${onOff(machine.isSecureBoot)}` : "BIOS";
  const tpm = machine.tpmVersion === undefined ? "no TPM" : `TPM ${machine.tpmVersion}`;
  const rows: [string, string][] = [
    ["machine", `${machine.model ?? "unknown"}, generation ${machine.generation}`],
    ["firmware", `${firmware}, ${tpm}`],
    ...(machine.isConfidential ? [["confidential", "yes"] satisfies [string, string]] : []),
    ...status.services.map((service): [string, string] => [
      service.name,
      serviceText(service, machine.isConfidential),
    ]),
    ...status.kernelServices.map((service): [string, string] => [
      service.name.replace("_", " "),
      kernelText(service),
    ]),
    [
      "host clock",
      clock === undefined ? "none" : `${clock.stableName ?? clock.device}${usedText(status)}`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  // Some of it is the host's text, or the name that a program has given itself.
  return rows.map(([name, text]) => `${name.padEnd(width)}${printable(text)}\n`).join("");
}

function serviceText(service: ServiceStatus, isConfidential: boolean): string {
  const { offer, device, report, users } = service;
  const others = users.filter(({ pid }) => pid !== report?.pid);
  const used = others.map(({ name, pid }) => `, open in ${name} (${pid})`).join("");
  const error =
    report?.last_error === undefined
      ? ""
      : `, last error at ${report.last_error.at}: ${report.last_error.text}`;
  if (offer === undefined) {
    return `${notOfferedText(isConfidential)}${error}`;
  }
  const place = device ?? "no device yet";
  return report === undefined
    ? `${place}, served by no hvguest${used}`
    : `${place}, ${report.status} (process ${report.pid} since ${report.since})${used}${error}`;
}

/** Why a service of ours is not there. */
export function notOfferedText(isConfidential: boolean): string {
  return isConfidential ? "confidential VM: not offered" : "service disabled on host";
}

function kernelText({ offer }: KernelService): string {
  if (offer === undefined) {
    return "service disabled on host";
  }
  return offer.driver === undefined ? "offered, no driver" : `in the kernel, ${offer.driver}`;
}

function usedText({ isClockUsed }: SystemStatus): string {
  return isClockUsed === undefined
    ? ""
    : isClockUsed
      ? ", chrony uses it"
      : ", chrony does not use it";
}

function onOff(value: boolean | undefined): string {
  return value === undefined ? "unknown" : value ? "on" : "off";
}

/** For programs: one object, absent values left out. */
export function statusJson(status: SystemStatus): string {
  const { machine } = status;
  return `${JSON.stringify({
    vmbus: status.hasVmbus,
    machine: {
      model: machine.model,
      generation: machine.generation,
      uefi: machine.isUefi,
      secure_boot: machine.isSecureBoot,
      tpm: machine.tpmVersion,
      confidential: machine.isConfidential,
    },
    services: status.services.map(({ name, offer, device, users, report }) => ({
      name,
      offered: offer !== undefined,
      device,
      users,
      registered: report?.phase === "registered",
      ...(report === undefined
        ? {}
        : {
            phase: report.phase,
            since: report.since,
            pid: report.pid,
            version: report.version,
            status: report.status,
            registrations: report.registrations,
            last_error: report.last_error,
          }),
    })),
    kernel_services: status.kernelServices.map(({ name, offer }) => ({
      name,
      offered: offer !== undefined,
      driver: offer?.driver,
    })),
    host_clock: status.clock && {
      device: status.clock.device,
      stable_name: status.clock.stableName,
      used_by_chrony: status.isClockUsed,
    },
  })}\n`;
}
