// Where daemons are measured: on the fake kernel of this machine, and on a real kernel
// in the lab.

import type { Who } from "./figures.ts";

/** A KVP daemon that has registered. */
export interface BenchDaemon {
  readonly pid: number;
  /** From its start to the end of its registration. */
  readonly startMilliseconds: number;
  /** Each resolves when the host has the answer. @throws Error on a status that is not 0. */
  enumerate(pool: number, index: number): Promise<void>;
  set(pool: number, key: string, value: string): Promise<void>;
  /** The number of records. */
  list(pool: number): Promise<number>;
  ipInfo(): Promise<void>;
  stop(): Promise<void>;
}

/** Network adapters beside the first one, for the figures of a machine with 16. */
export const moreAdapters = 15;

export interface BenchStage {
  /** What it runs on, in a few words. */
  readonly title: string;
  /** `environment` is added to the daemon's. */
  start(who: Who, environment?: Readonly<Record<string, string>>): Promise<BenchDaemon>;
  /** Runs a shell command there; its standard output. */
  sh(command: string): Promise<string>;
  writeFile(path: string, content: Uint8Array): Promise<void>;
  /** Gives the machine 15 more network adapters, each with an IPv4 address. */
  addAdapters(): Promise<void>;
  removeAdapters(): Promise<void>;
}
