// What kind of virtual machine this is: hypervisor, generation, firmware, TPM.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { hasUefi } from "./machine-id.ts";
import type { Paths } from "./paths.ts";

export interface MachineFacts {
  /** The words of its firmware: `Microsoft Corporation Virtual Machine`. */
  readonly model: string | undefined;
  /** Hyper-V's generation: 2 starts by UEFI. */
  readonly generation: 1 | 2;
  readonly isUefi: boolean;
  /** Undefined without UEFI, or where its variables cannot be read. */
  readonly isSecureBoot: boolean | undefined;
  /** `2` of TPM 2.0; undefined without one. */
  readonly tpmVersion: string | undefined;
  /** Memory encrypted against the host: KVP, VSS and file copy are never offered. */
  readonly isConfidential: boolean;
}

/** EFI_GLOBAL_VARIABLE: four bytes of attributes, then 1 when Secure Boot is on. */
const secureBoot = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/** Devices by which guests of AMD SEV-SNP and Intel TDX ask for their attestation. */
const confidentialDevices = ["sev-guest", "tdx_guest"];

export function machineFacts(paths: Paths): MachineFacts {
  const isUefi = hasUefi(paths);
  const model = ["sys_vendor", "product_name"]
    .map((name) => textOf(`${paths.sys}/class/dmi/id/${name}`))
    .filter((text) => text !== undefined)
    .join(" ");
  return {
    model: model === "" ? undefined : model,
    generation: isUefi ? 2 : 1,
    isUefi,
    isSecureBoot: isUefi ? isSecureBoot(paths) : undefined,
    tpmVersion: textOf(`${paths.sys}/class/tpm/tpm0/tpm_version_major`),
    isConfidential: isConfidential(paths),
  };
}

function isSecureBoot(paths: Paths): boolean | undefined {
  try {
    return readFileSync(`${paths.sys}/firmware/efi/efivars/${secureBoot}`)[4] === 1;
  } catch {
    // efivarfs is not mounted, or not for us.
    return undefined;
  }
}

function isConfidential(paths: Paths): boolean {
  const flags = textOf(`${paths.proc}/cpuinfo`)?.match(/^flags\s*:.*$/m)?.[0] ?? "";
  return (
    confidentialDevices.some((name) => existsSync(`${paths.dev}/${name}`)) ||
    /\btdx_guest\b/.test(flags)
  );
}

/** The clock of the host, by the driver hv_utils. */
export interface HostClock {
  /** /dev/ptp0 */
  readonly device: string;
  /** /dev/ptp_hyperv, when udev has made it. */
  readonly stableName: string | undefined;
}

/** Undefined where the host offers no time synchronisation, or the driver has no clock. */
export function hostClock(paths: Paths): HostClock | undefined {
  const clocks = `${paths.sys}/class/ptp`;
  const name = entriesOf(clocks).find(
    (clock) => textOf(`${clocks}/${clock}/clock_name`) === "hyperv",
  );
  if (name === undefined) {
    return undefined;
  }
  const stable = `${paths.dev}/ptp_hyperv`;
  return {
    device: `${paths.dev}/${name}`,
    stableName: existsSync(stable) ? stable : undefined,
  };
}

/** Configuration files of chrony, Debian's and Fedora's. */
const chronyFiles = ["/etc/chrony/chrony.conf", "/etc/chrony.conf"];
const chronyFolders = ["/etc/chrony/conf.d", "/etc/chrony/sources.d", "/etc/chrony.d"];

/** Whether chrony is told to use the host's clock; undefined where there is no chrony. */
export function chronyUsesHostClock(root: string): boolean | undefined {
  const files = [
    ...chronyFiles,
    ...chronyFolders.flatMap((folder) =>
      entriesOf(root + folder).map((name) => `${folder}/${name}`),
    ),
  ];
  const texts = files.map((path) => textOf(root + path)).filter((text) => text !== undefined);
  return texts.length === 0
    ? undefined
    : texts.some((text) => /^\s*refclock\s+PHC\s+\/dev\/ptp/im.test(text));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Not there: nothing in it.
    return [];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    // Not there, or not for us.
    return undefined;
  }
}
