// The composition root: builds the services and keeps them running until a signal.

import { writeFileSync } from "node:fs";
import type { Logger } from "../log.ts";
import type { Paths } from "../platform/paths.ts";
import { FreezeState } from "../services/freeze-state.ts";
import type { Service, ServiceContext, ServiceName } from "../services/service.ts";
import type { Settings } from "../services/settings.ts";
import { DeviceChanges } from "./device-changes.ts";
import { ReportWriter } from "./report-writer.ts";
import { ServiceManager } from "./service-manager.ts";
import { createService, serviceNames } from "./services.ts";
import { type ServiceState, supervise } from "./supervisor.ts";

export interface AgentOptions {
  /** The services to run; a setting `enabled = false` of one leaves it out of "all". */
  readonly services: "all" | readonly ServiceName[];
  readonly paths: Paths;
  readonly logger: Logger;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly settings: Settings;
  /** The process's name where programs look for it (comm); undefined leaves it. */
  readonly processName?: string;
  /** A service that cannot register at the start ends the agent (see {@link Agent.failure}). */
  readonly firstFaultEnds: boolean;
  /** Called once, when each service has registered or waits for the host's offer. */
  readonly onStarted: (states: ReadonlyMap<ServiceName, ServiceState>) => void;
}

interface Running {
  readonly service: Service;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
  state: ServiceState;
}

/** The running services. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #devices: DeviceChanges;
  readonly #manager: ServiceManager;
  readonly #freezeState = new FreezeState();
  readonly #reports: ReportWriter;
  readonly #running = new Map<ServiceName, Running>();
  #settings: Settings;
  #started = false;
  #stopped = false;
  /** Ends with the last of start, reload and stop: a signal may come during any of them. */
  #turn: Promise<void> = Promise.resolve();
  readonly #failure = Promise.withResolvers<never>();

  /** @throws NativeError when devices cannot be watched. */
  constructor(options: AgentOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#manager = new ServiceManager(options.environment, options.logger.log("agent"));
    this.#devices = new DeviceChanges(options.paths);
    const log = options.logger.log("agent");
    this.#reports = new ReportWriter(options.paths, options.version, log, this.#freezeState);
    // It may be rejected before anybody waits for it.
    this.#failure.promise.catch(() => undefined);
  }

  /** Rejects with the fault that ends the agent; never resolves. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  start(): Promise<void> {
    return this.#inTurn(() => this.#start());
  }

  /** Takes new settings: services in "all" start or stop as they say. */
  reload(settings: Settings): Promise<void> {
    return this.#inTurn(() => this.#reload(settings));
  }

  stop(): Promise<void> {
    return this.#inTurn(() => this.#stop());
  }

  #inTurn(act: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(() => (this.#stopped ? undefined : act()));
    // Whoever asked for it is told of its failure; the next one goes on.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #start(): Promise<void> {
    if (this.#options.processName !== undefined) {
      // LISA and WALinuxAgent look for the C daemon's name.
      writeFileSync("/proc/self/comm", this.#options.processName);
    }
    for (const name of this.#wanted()) {
      await this.#startService(name);
    }
    this.#stateChanged();
  }

  async #reload(settings: Settings): Promise<void> {
    this.#manager.reloading();
    this.#settings = settings;
    const wanted = this.#wanted();
    for (const name of serviceNames) {
      if (!wanted.includes(name)) {
        await this.#stopService(name);
      } else if (this.#running.has(name)) {
        this.#running.get(name)?.service.settingsChanged?.();
      } else {
        await this.#startService(name);
      }
    }
    this.#manager.ready();
    this.#stateChanged();
  }

  async #stop(): Promise<void> {
    this.#stopped = true;
    this.#manager.stopping();
    await Promise.all([...this.#running.keys()].map((name) => this.#stopService(name)));
    this.#devices.close();
  }

  #wanted(): readonly ServiceName[] {
    const { services } = this.#options;
    return services === "all"
      ? serviceNames.filter((name) => this.#settings[name].enabled)
      : services;
  }

  async #startService(name: ServiceName): Promise<void> {
    const { logger, paths } = this.#options;
    const log = logger.log(name);
    const context: ServiceContext = {
      paths,
      log,
      logger,
      freezeState: this.#freezeState,
      settings: () => this.#settings,
      statusChanged: () => this.#stateChanged(),
    };
    const service = await createService(name, context);
    await service.recover?.();
    const stop = new AbortController();
    const running: Running = {
      service,
      stop,
      state: { phase: "starting" },
      ended: supervise({
        service,
        devices: this.#devices,
        log,
        signal: stop.signal,
        firstFaultEnds: this.#options.firstFaultEnds,
        onState: (state) => {
          running.state = state;
          this.#stateChanged();
        },
      }).catch(this.#failure.reject),
    };
    this.#running.set(name, running);
  }

  async #stopService(name: ServiceName): Promise<void> {
    const running = this.#running.get(name);
    if (running === undefined) {
      return;
    }
    this.#running.delete(name);
    running.stop.abort();
    await running.ended;
    this.#reports.forget(name);
  }

  /** Tells `hvguest status` how the services are now. */
  writeReports(): void {
    this.#reports.write();
  }

  #stateChanged(): void {
    for (const [name, { state, service }] of this.#running) {
      this.#reports.note(name, state, () => statusOf(state, service));
    }
    this.#reports.write();
    const states = new Map([...this.#running].map(([name, { state }]) => [name, state]));
    this.#manager.status(
      [...this.#running]
        .map(([name, { state, service }]) => `${name}: ${statusOf(state, service)}`)
        .join("; "),
    );
    const starting = [...states.values()].some(({ phase }) => phase === "starting");
    if (!this.#started && !starting && this.#running.size === this.#wanted().length) {
      this.#started = true;
      this.#manager.ready();
      this.#options.onStarted(states);
    }
  }
}

function statusOf(state: ServiceState, service: Service): string {
  switch (state.phase) {
    case "starting":
      return "starting";
    case "waiting":
      return "not offered by the host";
    case "registered":
      return service.status();
    case "failed":
      return state.reason;
  }
}
