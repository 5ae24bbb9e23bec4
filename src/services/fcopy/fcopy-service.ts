// The file copy service: files from the host (Copy-VMFile), over the character device
// of older kernels or the ring of newer ones.

import { existsSync, mkdirSync, unlinkSync } from "node:fs";
import { basename } from "node:path";
import { uioDevice } from "../../platform/uio.ts";
import type { FcopyRequest } from "../../protocol/fcopy/request.ts";
import {
  DeviceFcopySession,
  type FcopySession,
  RingFcopySession,
} from "../../protocol/fcopy/session.ts";
import { versionText } from "../../protocol/ic/negotiate.ts";
import { RequestError, Status, statusText } from "../../protocol/status.ts";
import { VmbusClass } from "../../protocol/vmbus-class.ts";
import type { MessageChannel } from "../../transport/channel.ts";
import { openSettledDevice } from "../../transport/settled-device.ts";
import { openRingChannel } from "../../transport/ring-channel.ts";
import { limitedWarnings } from "../limited-warnings.ts";
import { serve } from "../serve.ts";
import type { Service, ServiceContext } from "../service.ts";
import { hiddenPrefix } from "./arriving-file.ts";
import { FileReceiver } from "./file-receiver.ts";
import { ownershipOf, policyOf } from "./fcopy-policy.ts";
import { describeRequest } from "./request-text.ts";
import { Patience } from "./patience.ts";
import { TransferLog } from "./transfer-log.ts";
import { type FcopyReport, isRunning, readReport } from "./transfer-report.ts";

/**
 * Seconds for an answer: less than HV_UTIL_TIMEOUT, after which the kernel's driver
 * has answered by itself. A ring has no such limit, but a host will have one.
 */
const patienceSeconds = 25;

/** How long a host has for its negotiation before the service counts as ready without. */
const negotiationMilliseconds = 3000;

/** What a channel is over. */
type Transport = "device" | "ring";

export class FcopyService implements Service {
  readonly name = "fcopy";
  readonly #context: ServiceContext;
  readonly #transfers: TransferLog;
  readonly #patience = new Patience(patienceSeconds);
  #transport: Transport = "device";

  constructor(context: ServiceContext) {
    this.#context = context;
    const leftover = leftoverOf(readReport(context.paths));
    if (leftover !== undefined) {
      this.#removeLeftover(leftover);
    }
    this.#transfers = new TransferLog(context);
  }

  async connect(): Promise<MessageChannel | undefined> {
    const { paths } = this.#context;
    const device = `${paths.dev}/vmbus/hv_fcopy`;
    if (existsSync(device)) {
      this.#transport = "device";
      return openSettledDevice(device);
    }
    const uio = await uioDevice(paths, VmbusClass.fcopy);
    if (uio === undefined) {
      return undefined;
    }
    this.#transport = "ring";
    // The lock's file is made on this thread, and /run may be on a frozen file system.
    await this.#context.freezeState.whenThawed();
    mkdirSync(paths.run, { recursive: true, mode: 0o755 });
    const { node: path, mapBytes } = uio;
    return openRingChannel({ path, mapBytes, lockPath: `${paths.run}/fcopy.lock` });
  }

  async serve(channel: MessageChannel, ready: () => void, signal: AbortSignal): Promise<void> {
    const { log, settings } = this.#context;
    const transfers = this.#transfers;
    const complain = limitedWarnings(log);
    let spoken: string | undefined;
    const session: FcopySession =
      this.#transport === "device"
        ? new DeviceFcopySession()
        : new RingFcopySession((versions) => {
            this.#patience.queue(() => receiver.abandon("the host negotiated anew"));
            if (versions === undefined) {
              complain(() => "the host offers no version that is known here");
            } else {
              const { framework, message } = versions;
              const text = `negotiated version ${versionText(message)}, framework ${versionText(framework)}`;
              // A host may negotiate as often as it likes.
              if (text === spoken) {
                log.debug(() => text);
              } else {
                log.notice(text);
              }
              spoken = text;
            }
            transfers.connected(this.#transport, versions && versionText(versions.message));
            clearTimeout(late);
            ready();
          });
    const receiver = new FileReceiver({
      policy: () => policyOf(settings().fcopy),
      ownership: () => ownershipOf(settings().fcopy),
      diversion: channel.diversion,
      layout: session.dataLayout,
      patienceMilliseconds: patienceSeconds * 1000,
      onStarted: (transfer) => transfers.started(transfer, receiver),
      onEnded: (transfer, received, failure) => transfers.ended(transfer, received, failure),
    });
    // On a ring the host begins. It may take its time, but a ring that is broken at
    // once does not count as a registration: it is not to be opened in a tight loop.
    const late =
      this.#transport === "ring" ? setTimeout(ready, negotiationMilliseconds) : undefined;
    try {
      await serve({
        channel,
        session,
        signal,
        patienceSeconds: () => Infinity,
        ready: () => {
          log.notice("registered with the kernel");
          transfers.connected(this.#transport, "1.1");
          ready();
        },
        answer: (request) => {
          log.debug(() => describeRequest(request));
          return this.#answer(receiver, request, signal);
        },
        onFailure: (request, error) => {
          const reason = error instanceof Error ? error.message : String(error);
          const status = error instanceof RequestError ? error.status : Status.fail;
          const text = `${describeRequest(request)}: ${reason} (${statusText(status)})`;
          transfers.refused(text);
          complain(() => text);
        },
        onIgnored: (reason) => complain(() => `${reason}, ignoring`),
      });
    } finally {
      clearTimeout(late);
      this.#patience.queue(() => receiver.abandon("the channel ended"));
      await this.#patience.settled();
      transfers.disconnected();
    }
  }

  status(): string {
    return this.#transfers.status();
  }

  stop(): Promise<void> {
    this.#transfers.stop();
    return Promise.resolve();
  }

  #answer(receiver: FileReceiver, request: FcopyRequest, signal: AbortSignal): Promise<void> {
    return this.#patience.run(async (awaited) => {
      // A copy during a backup waits for its end.
      await this.#context.freezeState.whenThawed();
      await receiver.answer(request, awaited);
    }, signal);
  }

  /** At once, so that a new copy does not have the name by then; after the thaw, if frozen. */
  #removeLeftover(leftover: string): void {
    const { freezeState, log } = this.#context;
    if (freezeState.frozen) {
      void freezeState.whenThawed().then(() => this.#removeLeftover(leftover));
      return;
    }
    try {
      unlinkSync(leftover);
      log.notice(`removed '${leftover}', which was left unfinished`);
    } catch {
      // Most often it has never had a name.
    }
  }
}

/** What an agent that was killed has left under a hidden name, by its report. */
function leftoverOf(report: FcopyReport | undefined): string | undefined {
  const leftover = report?.transfer?.leftover;
  return report === undefined ||
    leftover === undefined ||
    !basename(leftover).startsWith(hiddenPrefix) ||
    isRunning(report.pid)
    ? undefined
    : leftover;
}

/** The service on this machine. */
export function createFcopyService(context: ServiceContext): Service {
  return new FcopyService(context);
}
