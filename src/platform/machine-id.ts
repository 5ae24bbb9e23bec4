// What identifies this virtual machine: the UUID of its firmware, as Azure and
// cloud-init write it.

import { existsSync, readFileSync } from "node:fs";
import type { Paths } from "./paths.ts";

/** Whether the machine started by UEFI, which is generation 2 on Hyper-V. */
export function hasUefi(paths: Paths): boolean {
  return existsSync(`${paths.sys}/firmware/efi`);
}

/**
 * The machine's identifier on the host, lower case, or undefined when the firmware
 * has none. The BIOS of generation 1 gives the first three fields in the wrong byte
 * order (SMBIOS before 2.6); they are put right.
 */
export function virtualMachineId(paths: Paths): string | undefined {
  let text: string;
  try {
    text = readFileSync(`${paths.sys}/class/dmi/id/product_uuid`, "utf8").trim().toLowerCase();
  } catch {
    // No DMI (arm64 without it), or not root.
    return undefined;
  }
  const fields = text.split("-");
  if (!/^[0-9a-f-]{36}$/.test(text) || fields.length !== 5) {
    return undefined;
  }
  return hasUefi(paths)
    ? text
    : fields.map((field, index) => (index < 3 ? swapped(field) : field)).join("-");
}

function swapped(hexadecimal: string): string {
  return hexadecimal.match(/../g)?.toReversed().join("") ?? "";
}
