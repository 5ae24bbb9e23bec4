// What an installation consists of: every file and link, and for whom it is.

import type { InitSystem, NameStyle } from "./choices.ts";
import { cloudInitPath } from "./cloud-init.ts";
import { defaultConfiguration } from "./default-configuration.ts";
import type { ServiceName } from "../services/service.ts";
import cloudInit from "../../packaging/cloud-init/99-hvguest.cfg.conf" with { type: "text" };
import dracut from "../../packaging/dracut/module-setup.sh" with { type: "text" };
import initramfsHook from "../../packaging/initramfs-tools/hook.sh" with { type: "text" };
import initramfsStart from "../../packaging/initramfs-tools/start.sh" with { type: "text" };
import initramfsStop from "../../packaging/initramfs-tools/stop.sh" with { type: "text" };
import openrc from "../../packaging/openrc/hvguest.init" with { type: "text" };
import fcopyUnit from "../../packaging/systemd/hvguest-fcopy.service" with { type: "text" };
import hibernateUnit from "../../packaging/systemd/hvguest-hibernate.service" with { type: "text" };
import kvpUnit from "../../packaging/systemd/hvguest-kvp.service" with { type: "text" };
import networkSocket from "../../packaging/systemd/hvguest-network.socket" with { type: "text" };
import networkUnit from "../../packaging/systemd/hvguest-network@.service" with { type: "text" };
import seedUnit from "../../packaging/systemd/hvguest-seed.service" with { type: "text" };
import vssUnit from "../../packaging/systemd/hvguest-vss.service" with { type: "text" };
import unit from "../../packaging/systemd/hvguest.service" with { type: "text" };
import sysvinit from "../../packaging/sysvinit/hvguest.init" with { type: "text" };
import tmpfiles from "../../packaging/tmpfiles/hvguest.conf" with { type: "text" };
import rules from "../../packaging/udev/60-hvguest.rules" with { type: "text" };
import hibernateRules from "../../packaging/udev/61-hvguest-hibernate.rules" with { type: "text" };

export const executablePath = "/usr/sbin/hvguest";
export const unitDirectory = "/usr/lib/systemd/system";

export interface LayoutOptions {
  readonly services: readonly ServiceName[];
  readonly names: readonly NameStyle[];
  readonly init: InitSystem;
  /** A process and a unit for each service instead of one for all. */
  readonly split: boolean;
  /** Lets cloud-init take its data from the host: the seed at boot, NoCloud alone. */
  readonly cloudInit: boolean;
  /** Man pages and completions. */
  readonly documents: readonly Document[];
}

/** A file that tells people or shells how hvguest is used. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

export type Entry =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly text: string;
      /** A file for the administrator to change: never overwritten, kept by uninstall. */
      readonly configuration?: true;
    }
  | {
      readonly kind: "link";
      readonly path: string;
      readonly target: string;
      /** A name that a distribution's own daemon may have. */
      readonly daemon?: true;
      /** The agent, or what belongs to it, is started at boot because of it. */
      readonly enables?: true;
    }
  | { readonly kind: "executable"; readonly path: string }
  | { readonly kind: "folder"; readonly path: string };

/** Programs by service and style: tools/hv of the kernel, and Fedora with its kin. */
const programNames: Record<NameStyle, Record<ServiceName, readonly string[]>> = {
  linux: {
    kvp: ["hv_kvp_daemon"],
    vss: ["hv_vss_daemon"],
    fcopy: ["hv_fcopy_daemon", "hv_fcopy_uio_daemon"],
  },
  fedora: { kvp: ["hypervkvpd"], vss: ["hypervvssd"], fcopy: ["hypervfcopyd"] },
};

/** Units by service and style: Debian and Ubuntu; SUSE and Arch; Fedora with its kin. */
const unitNames: Record<NameStyle, Record<ServiceName, readonly string[]>> = {
  linux: {
    kvp: ["hv-kvp-daemon", "hv_kvp_daemon"],
    vss: ["hv-vss-daemon", "hv_vss_daemon"],
    fcopy: ["hv-fcopy-daemon", "hv-fcopy-uio-daemon", "hv_fcopy_daemon", "hv_fcopy_uio_daemon"],
  },
  fedora: { kvp: ["hypervkvpd"], vss: ["hypervvssd"], fcopy: ["hypervfcopyd"] },
};

/** Every file and link of an installation, in an order in which they can be made. */
export function layout(options: LayoutOptions): Entry[] {
  return [
    { kind: "executable", path: executablePath },
    ...programLinks(options),
    text("/etc/hvguest/hvguest.toml", defaultConfiguration(), { configuration: true }),
    { kind: "folder", path: "/etc/hvguest/hvguest.toml.d" },
    ...serviceChoice(options),
    { kind: "folder", path: "/var/lib/hyperv" },
    text("/usr/lib/udev/rules.d/60-hvguest.rules", rules),
    ...initFiles(options),
    ...initramfsFiles(),
    ...(options.cloudInit ? [text(cloudInitPath, cloudInit, { configuration: true })] : []),
    ...options.documents.map((document) => text(document.path, document.text)),
  ];
}

function programLinks({ services, names }: LayoutOptions): Entry[] {
  const programs = names.flatMap((style) =>
    services.flatMap((service) => programNames[style][service]),
  );
  return [...programs, "lsvmbus"].map((name) => ({
    kind: "link",
    path: `/usr/sbin/${name}`,
    target: "hvguest",
    daemon: true,
  }));
}

/** A drop-in that turns off what was not chosen; none when all are. */
function serviceChoice({ services }: LayoutOptions): Entry[] {
  const off = (["kvp", "vss", "fcopy"] as const).filter((name) => !services.includes(name));
  return off.length === 0
    ? []
    : [
        text(
          "/etc/hvguest/hvguest.toml.d/10-services.toml",
          off.map((name) => `[${name}]\nenabled = false\n`).join("\n"),
          { configuration: true },
        ),
      ];
}

function initFiles(options: LayoutOptions): Entry[] {
  switch (options.init) {
    case "systemd":
      return systemdFiles(options);
    case "openrc":
      return [
        text("/etc/init.d/hvguest", openrc, { mode: 0o755 }),
        enableLink("/etc/runlevels/boot/hvguest", "/etc/init.d/hvguest"),
      ];
    case "sysvinit":
      return [
        text("/etc/init.d/hvguest", sysvinit, { mode: 0o755 }),
        ...[2, 3, 4, 5].map((level) =>
          enableLink(`/etc/rc${level}.d/S01hvguest`, "../init.d/hvguest"),
        ),
        ...[0, 1, 6].map((level) =>
          enableLink(`/etc/rc${level}.d/K01hvguest`, "../init.d/hvguest"),
        ),
      ];
    case "none":
      return [];
  }
}

function systemdFiles(options: LayoutOptions): Entry[] {
  const units = {
    "hvguest.service": unit,
    "hvguest-kvp.service": kvpUnit,
    "hvguest-vss.service": vssUnit,
    "hvguest-fcopy.service": fcopyUnit,
    "hvguest-hibernate.service": hibernateUnit,
    "hvguest-network.socket": networkSocket,
    "hvguest-network@.service": networkUnit,
    "hvguest-seed.service": seedUnit,
  };
  return [
    ...Object.entries(units).map(([name, contents]) => text(`${unitDirectory}/${name}`, contents)),
    ...unitAliases(options),
    ...enabledUnits(options).flatMap(([name, contents]) => enableLinks(name, contents)),
    text("/usr/lib/udev/rules.d/61-hvguest-hibernate.rules", hibernateRules),
    text("/usr/lib/tmpfiles.d/hvguest.conf", tmpfiles),
  ];
}

/** Modules for makers of an initramfs, which take the executable only when told to. */
function initramfsFiles(): Entry[] {
  const dracutModule = "/usr/lib/dracut/modules.d/90hvguest";
  const tools = "/usr/share/initramfs-tools";
  const program = { mode: 0o755 };
  return [
    text(`${dracutModule}/module-setup.sh`, dracut, program),
    text(`${dracutModule}/hvguest-start.sh`, initramfsStart, program),
    text(`${dracutModule}/hvguest-stop.sh`, initramfsStop, program),
    text(`${tools}/hooks/hvguest`, initramfsHook, program),
    text(`${tools}/scripts/init-premount/hvguest`, initramfsStart, program),
    text(`${tools}/scripts/init-bottom/hvguest`, initramfsStop, program),
  ];
}

function unitAliases({ services, names, split }: LayoutOptions): Entry[] {
  return names.flatMap((style) =>
    services.flatMap((service) =>
      unitNames[style][service].map((name) => ({
        kind: "link" as const,
        path: `${unitDirectory}/${name}.service`,
        target: split ? `hvguest-${service}.service` : "hvguest.service",
        daemon: true as const,
      })),
    ),
  );
}

function enabledUnits({ services, split, cloudInit }: LayoutOptions): [string, string][] {
  const perService = { kvp: kvpUnit, vss: vssUnit, fcopy: fcopyUnit };
  return [
    ...(split
      ? services.map((name): [string, string] => [`hvguest-${name}.service`, perService[name]])
      : [["hvguest.service", unit] satisfies [string, string]]),
    ...(services.includes("kvp")
      ? [["hvguest-network.socket", networkSocket] satisfies [string, string]]
      : []),
    ...(cloudInit ? [["hvguest-seed.service", seedUnit] satisfies [string, string]] : []),
  ];
}

/** The links that `systemctl enable` makes for the unit's WantedBy=. */
function enableLinks(name: string, unitText: string): Entry[] {
  const wantedBy = /^WantedBy=(.*)$/m.exec(unitText)?.[1]?.split(" ") ?? [];
  return wantedBy.map((target) =>
    enableLink(`/etc/systemd/system/${target}.wants/${name}`, `${unitDirectory}/${name}`),
  );
}

function text(
  path: string,
  contents: string,
  { mode = 0o644, configuration }: { mode?: number; configuration?: true } = {},
): Entry {
  const file = { kind: "file", path, mode, text: contents } as const;
  return configuration === undefined ? file : { ...file, configuration };
}

function enableLink(path: string, target: string): Entry {
  return { kind: "link", path, target, enables: true };
}
