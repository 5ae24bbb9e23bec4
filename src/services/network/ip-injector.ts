// SET_IP_INFO: gives one of the host's adapters the addresses that the host asks for.

import type { Log } from "../../log.ts";
import { type NetworkInterface, networkInterfaces } from "../../platform/network.ts";
import type { Paths } from "../../platform/paths.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import { configure, type ConfigureOptions, isHalfDone, recover } from "./configure.ts";
import { type IpRequest, parseRequest } from "./ip-request.ts";
import { askStep, hasStep, monotonicMilliseconds } from "./network-step.ts";
import { kernelSource, type NetworkSource } from "./network-source.ts";
import type { ManagerName } from "./plan.ts";

export interface IpInjectorOptions {
  readonly paths: Paths;
  readonly log: Pick<Log, "notice" | "warning">;
  /** The section [network]. */
  readonly settings: () => {
    readonly accept_settings: boolean;
    readonly manager: ManagerName | "auto";
  };
  readonly source?: NetworkSource;
  /** Whether file systems are frozen for a backup: nothing can be written then. */
  readonly isFrozen?: () => boolean;
  /** Seconds in which the host is answered; the kernel waits 30. */
  readonly patienceSeconds?: number;
  /** Whether a separate step, where there is one, does it; not in the step itself. */
  readonly usesStep?: boolean;
}

/** HV_UTIL_TIMEOUT is 30 s (drivers/hv/hyperv_vmbus.h); what is killed may take a while to end. */
const hostPatienceSeconds = 25;

/** With less time than this it is not begun: it would only be taken back. */
const leastSeconds = 10;

/** @throws RequestError HV_E_FAIL for a request that has no time left to be done in */
export function refuseLate(patienceSeconds: number): void {
  if (patienceSeconds < leastSeconds) {
    throw new RequestError(Status.fail, "the request came too late to be answered");
  }
}

/** Applies what hosts ask for, one request at a time. */
export class IpInjector {
  readonly #options: IpInjectorOptions;
  readonly #source: NetworkSource;
  #recovered: Promise<void> = Promise.resolve();

  constructor(options: IpInjectorOptions) {
    this.#options = options;
    this.#source = options.source ?? kernelSource;
  }

  /** Takes back what a crash may have left half done; a request waits for that. */
  start(): void {
    this.#recovered = this.#recover();
  }

  /**
   * Resolves when the configuration is in force and will survive a restart.
   * `arrived` is when the host's request did, by {@link monotonicMilliseconds}: since
   * then the host waits, also while the request waits for the end of a backup.
   * @throws RequestError with the status for the host: HV_INVALIDARG before anything
   * is touched, HV_GUID_NOTFOUND, HV_E_FAIL with everything as it was before
   */
  async apply(
    request: IpRequest,
    signal: AbortSignal,
    arrived = monotonicMilliseconds(),
  ): Promise<void> {
    const { log, paths, settings } = this.#options;
    if (!settings().accept_settings) {
      throw new RequestError(Status.fail, "the configuration does not let the host set addresses");
    }
    parseRequest(request);
    if (this.#options.isFrozen?.() === true) {
      throw new RequestError(Status.fail, "file systems are frozen");
    }
    await this.#recovered;
    const waitedSeconds = (monotonicMilliseconds() - arrived) / 1000;
    const patienceSeconds = (this.#options.patienceSeconds ?? hostPatienceSeconds) - waitedSeconds;
    refuseLate(patienceSeconds);
    const subject = adapterOf(request, networkInterfaces(this.#source.read(), paths.sys));
    if (this.#usesStep()) {
      log.notice(await askStep(paths.run, request, signal, arrived));
      return;
    }
    const options: ConfigureOptions = {
      paths,
      manager: settings().manager,
      source: this.#source,
      patienceSeconds,
    };
    const { manager, outcome } = await failing(() => configure(subject, request, options, signal));
    log.notice(`'${subject.name}' is configured as the host asks, by ${manager}: ${outcome}`);
  }

  #usesStep(): boolean {
    return (this.#options.usesStep ?? true) && hasStep(this.#options.paths.run);
  }

  /** Says what it did, and does not fail. */
  async #recover(): Promise<void> {
    const { log, paths } = this.#options;
    try {
      if (!isHalfDone(paths.root)) {
        return;
      }
      if (this.#usesStep()) {
        log.warning(await askStep(paths.run, "recover", new AbortController().signal));
      } else {
        const name = await recover(paths);
        log.warning(`the change of '${name}' that was left half done is taken back`);
      }
    } catch (error) {
      log.warning(`${textOf(error)}, ignoring`);
    }
  }
}

/**
 * The interface whose VMBus device has the GUID, in any case of letters.
 * @throws RequestError with HV_GUID_NOTFOUND
 */
export function adapterOf(
  { adapterId }: IpRequest,
  interfaces: readonly NetworkInterface[],
): NetworkInterface {
  const wanted = adapterId.toLowerCase();
  const subject = interfaces.find(({ deviceId }) => deviceId?.toLowerCase() === wanted);
  if (subject === undefined) {
    throw new RequestError(Status.guidNotFound, `no network adapter is '${adapterId}'`);
  }
  const master = interfaces.find(({ index }) => index === subject.master);
  if (master !== undefined && master.kind !== "vrf") {
    throw new RequestError(
      Status.fail,
      `'${subject.name}' is a member of '${master.name}', which the host cannot mean`,
    );
  }
  return subject;
}

/** Everything that goes wrong is HV_E_FAIL to the host, unless it says otherwise. */
export async function failing<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof RequestError
      ? error
      : new RequestError(Status.fail, textOf(error), { cause: error });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
