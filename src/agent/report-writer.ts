// Keeps the reports of the running services up to date.

import type { Log } from "../log.ts";
import type { Paths } from "../platform/paths.ts";
import { AfterThaw, type FreezeState } from "../services/freeze-state.ts";
import type { ServiceName } from "../services/service.ts";
import { removeServiceReport, type ServiceReport, writeServiceReport } from "./service-report.ts";
import type { ServiceState } from "./supervisor.ts";

interface Known {
  state: ServiceState;
  since: Date;
  registrations: number;
  lastError: ServiceReport["last_error"];
  status: () => string;
}

/** Writes nothing while file systems are frozen: /run may be on one of them. */
export class ReportWriter {
  readonly #paths: Paths;
  readonly #version: string;
  readonly #log: Log;
  readonly #freezeState: FreezeState;
  readonly #known = new Map<ServiceName, Known>();
  readonly #writing: AfterThaw;
  #hasFailed = false;

  constructor(paths: Paths, version: string, log: Log, freezeState: FreezeState) {
    this.#paths = paths;
    this.#version = version;
    this.#log = log;
    this.#freezeState = freezeState;
    this.#writing = new AfterThaw(freezeState, () => this.#writeAll());
  }

  /** Notes the state of a service, for the next {@link write}; `status` gives its line then. */
  note(name: ServiceName, state: ServiceState, status: () => string): void {
    const known = this.#known.get(name);
    const isNew = known?.state.phase !== state.phase;
    const registered = isNew && state.phase === "registered" ? 1 : 0;
    this.#known.set(name, {
      state,
      status,
      since: isNew ? new Date() : known.since,
      registrations: (known?.registrations ?? 0) + registered,
      lastError:
        state.phase === "failed"
          ? { at: new Date().toISOString(), text: state.reason }
          : known?.lastError,
    });
  }

  forget(name: ServiceName): void {
    this.#known.delete(name);
    if (!this.#freezeState.frozen) {
      removeServiceReport(this.#paths, name);
    }
  }

  /** Writes what is known now; after the thaw, when something is frozen. */
  write(): void {
    this.#writing.run();
  }

  #writeAll(): void {
    try {
      for (const [service, known] of this.#known) {
        writeServiceReport(this.#paths, {
          service,
          version: this.#version,
          pid: process.pid,
          phase: known.state.phase,
          since: known.since.toISOString(),
          status: known.status(),
          registrations: known.registrations,
          ...(known.lastError === undefined ? {} : { last_error: known.lastError }),
          written: new Date().toISOString(),
        });
      }
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) {
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.warning(`write the state: ${reason}, ignoring`);
      }
      this.#hasFailed = true;
    }
  }
}
