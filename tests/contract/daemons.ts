// The programs that one contract is held against: Linux's own daemons, from Debian's
// package hyperv-daemons, and the executable under their names and as `hvguest run`.

import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { ServiceName } from "../../src/services/service.ts";

export const executable = join(import.meta.dir, "../../dist/hvguest");

/** A program that serves one service in the foreground. */
export interface DaemonProgram {
  /** For the names of tests. */
  readonly title: string;
  readonly maker: "linux" | "hvguest";
  readonly argv: readonly string[];
  /** What /proc shows as its name (comm). */
  readonly processName: string;
}

const linuxNames = {
  kvp: "hv_kvp_daemon",
  vss: "hv_vss_daemon",
  fcopy: "hv_fcopy_daemon",
} as const;

const fedoraNames = { kvp: "hypervkvpd", vss: "hypervvssd", fcopy: "hypervfcopyd" } as const;

export function linuxDaemon(service: ServiceName): DaemonProgram {
  const name = linuxNames[service];
  return {
    title: `Linux's ${name}`,
    maker: "linux",
    argv: [`/usr/sbin/${name}`, "-n"],
    processName: name,
  };
}

/** The executable under the daemon's names. */
export function namedDaemons(service: ServiceName): readonly DaemonProgram[] {
  return [linuxNames[service], fedoraNames[service]].map((name) => ({
    title: `hvguest as ${name}`,
    maker: "hvguest" as const,
    argv: [calledBy(name), "-n"],
    processName: name,
  }));
}

/** The agent with this service alone. */
export function agent(service: ServiceName): DaemonProgram {
  return {
    title: "hvguest run",
    maker: "hvguest",
    argv: [executable, "run", "--services", service],
    processName: service === "kvp" ? "hv_kvp_daemon" : "hvguest",
  };
}

/** The executable in each form. */
export function hvguestDaemons(service: ServiceName): readonly DaemonProgram[] {
  return [...namedDaemons(service), agent(service)];
}

/** The executable under another name, as packages install it. */
export function calledBy(name: string): string {
  const directory = "/opt/daemons";
  const path = join(directory, name);
  if (!existsSync(path) && process.env["HVGUEST_PRIVATE_MACHINE"] === "1") {
    mkdirSync(directory, { recursive: true });
    symlinkSync(executable, path);
  }
  return path;
}
