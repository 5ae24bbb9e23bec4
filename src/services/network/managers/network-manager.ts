// NetworkManager: a keyfile profile of our own that is preferred to all others
// (nm-settings-keyfile(5)), and nmcli.

import { createHash } from "node:crypto";
import type { FamilyConfiguration, IpConfiguration } from "../ip-configuration.ts";
import { iniText } from "../ini-sections.ts";
import type { Machine } from "../machine.ts";
import {
  isUnitEnabled,
  type Manager,
  ownFileComment,
  requireProgram,
  standbyMetric,
  type Target,
} from "../manager.ts";
import type { Step } from "../plan.ts";
import { fileName } from "./networkd.ts";

const directory = "/etc/NetworkManager/system-connections";

/** NM_DEVICE_STATE_UNMANAGED */
const unmanaged = 10;

/** How long nmcli waits for a profile to be up; DHCP may take longer, and is not waited for. */
const waitSeconds = 15;

export const networkManager: Manager = {
  name: "NetworkManager",

  async manages(target, machine) {
    return ((await deviceState(target, machine)) ?? unmanaged) > unmanaged;
  },

  startsLater: (machine) => isUnitEnabled(machine, "NetworkManager.service"),

  async plan({ target, configuration }, machine) {
    const nmcli = requireProgram(machine, "nmcli");
    const path = `${directory}/hvguest-${fileName(target.name)}.nmconnection`;
    const uuid = profileUuid(target);
    const previous = await activeProfile(target, machine);
    const wait = configuration.ipv4.method === "automatic" ? 0 : waitSeconds;
    const up = (profile: string, seconds: number): Step => ({
      program: nmcli,
      args: ["--wait", `${seconds}`, "connection", "up", "uuid", profile, "ifname", target.name],
    });
    return {
      manager: "NetworkManager",
      interfaceName: target.name,
      before: [],
      files: [{ path, text: keyfile(target, uuid, configuration), mode: 0o600 }],
      activate: [
        { program: nmcli, args: ["connection", "load", `${machine.root}${path}`] },
        up(uuid, wait),
      ],
      reactivate: [
        { program: nmcli, args: ["connection", "reload"] },
        ...(previous === undefined ? [] : [{ ...up(previous, 0), mayFail: true }]),
      ],
      isVerified: true,
    };
  },
};

/**
 * Whether it runs and says that the interface is none of its own. While it starts it
 * says so of every interface, and nobody knows yet.
 */
export async function isUnmanaged(target: Target, machine: Machine): Promise<boolean> {
  if ((await deviceState(target, machine)) !== unmanaged) {
    return false;
  }
  const answer = await machine.ask("nmcli", "-g", "STARTUP", "general");
  return answer?.stdout.trim() !== "starting";
}

/** An NM_DEVICE_STATE; undefined when it does not run or does not know the interface. */
async function deviceState(target: Target, machine: Machine): Promise<number | undefined> {
  const answer = await machine.ask("nmcli", "-g", "GENERAL.STATE", "device", "show", target.name);
  const state = Number.parseInt(answer?.stdout ?? "", 10);
  return answer?.status === 0 && !Number.isNaN(state) ? state : undefined;
}

async function activeProfile(target: Target, machine: Machine): Promise<string | undefined> {
  const answer = await machine.ask(
    "nmcli",
    "-g",
    "GENERAL.CON-UUID",
    "device",
    "show",
    target.name,
  );
  const uuid = answer?.status === 0 ? answer.stdout.trim() : "";
  return /^[0-9a-f-]{36}$/i.test(uuid) ? uuid : undefined;
}

/** Where the profile that is in use stands; undefined when there is none. */
export async function activeProfileFile(
  target: Target,
  machine: Machine,
): Promise<string | undefined> {
  const uuid = await activeProfile(target, machine);
  const answer = await machine.ask("nmcli", "-t", "-f", "UUID,FILENAME", "connection", "show");
  const line = (answer?.stdout ?? "").split("\n").find((one) => one.startsWith(`${uuid}:`));
  return line?.slice(line.indexOf(":") + 1);
}

/** Always the same for an interface, so that a profile replaces the one before it. */
function profileUuid({ name }: Target): string {
  const digest = createHash("sha256").update(`hvguest ${name}`).digest("hex");
  const variant = ((Number.parseInt(digest.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-");
}

function keyfile({ name }: Target, uuid: string, { ipv4, ipv6 }: IpConfiguration): string {
  const escaped = name.replaceAll("\\", "\\\\");
  const method4 = { automatic: "auto", static: "manual", none: "disabled" }[ipv4.method];
  const method6 = { automatic: "auto", static: "manual" }[ipv6.method];
  return [
    `${ownFileComment}\n`,
    iniText([
      {
        name: "connection",
        lines: [
          `id=hvguest ${escaped}`,
          `uuid=${uuid}`,
          "type=ethernet",
          `interface-name=${escaped}`,
          "autoconnect-priority=999",
        ],
      },
      { name: "ipv4", lines: [`method=${method4}`, ...familyLines(ipv4, "0.0.0.0/0")] },
      { name: "ipv6", lines: [`method=${method6}`, ...familyLines(ipv6, "::/0")] },
    ]),
  ].join("");
}

function familyLines(
  { addresses, gateways, dnsServers }: FamilyConfiguration,
  everywhere: string,
): string[] {
  const [first, ...others] = gateways;
  return [
    ...addresses.map(({ text, length }, index) => `address${index + 1}=${text}/${length}`),
    ...(first === undefined ? [] : [`gateway=${first.text}`]),
    ...others.map(
      ({ text }, index) => `route${index + 1}=${everywhere},${text},${standbyMetric(index + 1)}`,
    ),
    ...(dnsServers.length === 0
      ? []
      : [`dns=${dnsServers.map(({ text }) => `${text};`).join("")}`, "ignore-auto-dns=true"]),
  ];
}
