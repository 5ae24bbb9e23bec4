// The backup service: freezes file systems for the host and thaws them, always.

import { existsSync } from "node:fs";
import { RequestError, Status } from "../../protocol/status.ts";
import { VssSession, type VssRequest } from "../../protocol/vss/session.ts";
import type { MessageChannel } from "../../transport/channel.ts";
import { openSettledDevice } from "../../transport/settled-device.ts";
import { NativeError } from "../../native/native-error.ts";
import { serve } from "../serve.ts";
import type { Service, ServiceContext } from "../service.ts";
import { Backup } from "./backup.ts";
import { thawLeftBehind } from "./left-behind.ts";
import { Planner } from "./planner.ts";
import { vssFiles } from "./vss-files.ts";

/** VSS_FREEZE_TIMEOUT and HV_UTIL_TIMEOUT (drivers/hv), less the way of the reply. */
const patienceSeconds = { freeze: 899, other: 29 };

class VssService implements Service {
  readonly name = "vss";
  readonly #context: ServiceContext;
  readonly #device: string;
  readonly #backup: Backup;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#device = `${context.paths.dev}/vmbus/hv_vss`;
    const settings = () => context.settings().vss;
    this.#backup = new Backup({
      planner: new Planner(context.paths, settings),
      files: vssFiles(context.paths),
      settings,
      log: context.log,
      logger: context.logger,
      freezeState: context.freezeState,
    });
  }

  async recover(): Promise<void> {
    const { log, paths } = this.#context;
    try {
      await thawLeftBehind(vssFiles(paths).marker, log);
    } catch (error) {
      if (!(error instanceof NativeError)) {
        throw error;
      }
      log.error(`thaw what an earlier process has frozen: ${error.message}`);
    }
  }

  connect(): Promise<MessageChannel | undefined> {
    if (!existsSync(this.#device)) {
      return Promise.resolve(undefined);
    }
    // Before the device is opened: the guard must not hold it.
    this.#backup.prepare();
    return openSettledDevice(this.#device);
  }

  async serve(channel: MessageChannel, ready: () => void, signal: AbortSignal): Promise<void> {
    const { log } = this.#context;
    const unwanted = AbortSignal.any([signal, channel.ended]);
    try {
      await serve({
        channel,
        session: new VssSession(),
        signal,
        patienceSeconds: ({ operation }) =>
          operation === "freeze" ? patienceSeconds.freeze : patienceSeconds.other,
        ready: () => {
          log.notice("registered with the kernel");
          ready();
        },
        answer: (request) => this.#answer(request, unwanted),
        onFailure: (request, error) => {
          const reason = error instanceof Error ? error.message : String(error);
          log.error(`${describe(request)}: ${reason}`);
        },
      });
    } finally {
      await this.#backup.abandon(
        signal.aborted ? "the agent is ending" : "the channel to the host has ended",
      );
      this.#context.statusChanged();
    }
  }

  status(): string {
    return this.#backup.status();
  }

  stop(): Promise<void> {
    return this.#backup.stop();
  }

  /** `unwanted`: nobody waits for a freeze any more. */
  async #answer(request: VssRequest, unwanted: AbortSignal): Promise<undefined> {
    switch (request.operation) {
      case "hotBackup":
        this.#backup.check();
        break;
      case "freeze":
        await this.#backup.freeze(unwanted);
        break;
      case "thaw":
        await this.#backup.thaw();
        this.#context.statusChanged();
        break;
      case "unknown":
        throw new RequestError(Status.notSupported, "this operation is unknown");
    }
  }
}

function describe(request: VssRequest): string {
  return request.operation === "unknown" ? `operation ${request.number}` : request.operation;
}

/** The service on this machine. */
export function createVssService(context: ServiceContext): Service {
  return new VssService(context);
}
