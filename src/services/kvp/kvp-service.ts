// The KVP service: answers the host's requests from pools, intrinsic items and the
// network's state.

import { machine, release } from "node:os";
import { NativeError } from "../../native/native-error.ts";
import { HostName } from "../../platform/host-name.ts";
import { liesInMemory } from "../../platform/in-memory.ts";
import { readOsRelease } from "../../platform/os-release.ts";
import { KvpPool } from "../../protocol/kvp/messages.ts";
import type { KvpReply, KvpRequest } from "../../protocol/kvp/request.ts";
import { KvpSession } from "../../protocol/kvp/session.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import type { MessageChannel, PreparedAnswers } from "../../transport/channel.ts";
import { openSettledDevice } from "../../transport/settled-device.ts";
import { limitedWarnings } from "../limited-warnings.ts";
import { monotonicMilliseconds } from "../network/network-step.ts";
import { serve } from "../serve.ts";
import type { Service, ServiceContext } from "../service.ts";
import {
  type IntrinsicSources,
  intrinsicItem,
  intrinsicValue,
  isAddress,
  isFixed,
} from "./intrinsics.ts";
import { type AdapterAddresses, ipInfoReply } from "./ip-info.ts";
import { machineParts } from "./machine-parts.ts";
import { poolPath } from "./pool-names.ts";
import { changePool } from "./pool-status.ts";
import { PreparedItems, type PoolSnapshot } from "./prepared-items.ts";
import { describeRequest } from "./request-text.ts";

/** The pool files, as {@link PoolStore} keeps them. */
export interface Pools {
  snapshot(pool: number): PoolSnapshot | undefined;
  record(pool: number, index: number): { readonly key: string; readonly value: string } | undefined;
  get(pool: number, key: string): string | undefined;
  set(pool: number, key: string, value: string): void;
  delete(pool: number, key: string): boolean;
}

/** What the service knows of the network. */
export interface NetworkState {
  reportByMac(mac: string): AdapterAddresses | undefined;
  intrinsicAddresses(family: 4 | 6): readonly string[];
  /** Whether each change leads to {@link KvpService.networkChanged}. */
  readonly isWatched: boolean;
}

type SetIpInfo = Extract<KvpRequest, { operation: "setIpInfo" }>;

/** What the service does its work with. */
export interface KvpParts {
  readonly pools: Pools;
  readonly network: NetworkState;
  /**
   * `arrived` is when the request did, by {@link monotonicMilliseconds}.
   * @throws RequestError with the status for the host.
   */
  readonly applyIpInfo: (request: SetIpInfo, signal: AbortSignal, arrived: number) => Promise<void>;
  readonly intrinsics: Omit<IntrinsicSources, "integrationServicesVersion" | "addresses">;
  /** Forgets what was made out of the settings. */
  readonly settingsChanged: () => void;
  /** Ends what the parts hold. */
  readonly stop: () => void;
}

/** HV_UTIL_TIMEOUT (drivers/hv/hyperv_vmbus.h), less the time a reply may take to arrive. */
const patienceSeconds = 29;

/** How long a request that writes files waits for the end of a backup. */
const frozenPatienceSeconds = 20;

export class KvpService implements Service {
  readonly name = "kvp";
  readonly #context: ServiceContext;
  readonly #parts: KvpParts;
  #requests = 0;
  /** What the kernel has agreed to with the host. */
  #version: string | undefined;
  #prepared: PreparedAnswers | undefined;
  /** Whether the kernel told the addresses when they were asked for last. */
  #knowsAddresses = false;

  constructor(context: ServiceContext, parts: KvpParts) {
    this.#context = context;
    this.#parts = parts;
  }

  async connect(): Promise<MessageChannel | undefined> {
    return openSettledDevice(`${this.#context.paths.dev}/vmbus/hv_kvp`);
  }

  async serve(channel: MessageChannel, ready: () => void, signal: AbortSignal): Promise<void> {
    const { log } = this.#context;
    const session = new KvpSession();
    const complain = limitedWarnings(log);
    const sources: IntrinsicSources = {
      ...this.#parts.intrinsics,
      integrationServicesVersion: () => session.version ?? "",
      addresses: (family) => this.#intrinsicAddresses(family, complain),
    };
    const items = this.#preparedItems(channel.prepared, sources);
    // Level debug shows every request; what is prepared is answered unseen.
    const prepared = () => (log.showsDebug ? undefined : items);
    await serve({
      channel,
      session,
      signal,
      patienceSeconds: () => patienceSeconds,
      ready: () => {
        log.notice(`registered with the kernel, version ${session.version}`);
        this.#version = session.version;
        ready();
      },
      answer: (request) => {
        this.#requests += 1;
        log.debug(() => describeRequest(request));
        const { freezeState } = this.#context;
        if (freezeState.frozen && this.#waitsForThaw(request)) {
          return this.#answerAfterThaw(request, sources, signal);
        }
        const reply = this.#answer(request, sources, signal);
        prepared()?.afterChange(request);
        return reply;
      },
      onAnswered: (request) => prepared()?.after(request),
      onFailure: (request, error) => {
        const reason = error instanceof Error ? error.message : String(error);
        const text = () => `${describeRequest(request)}: ${reason}`;
        if (isOrdinary(error)) {
          log.debug(text);
        } else {
          complain(text);
        }
      },
    });
  }

  settingsChanged(): void {
    this.#parts.settingsChanged();
    this.#prepared?.forget();
  }

  status(): string {
    const requests = this.#requests + (this.#prepared?.sent() ?? 0);
    return `registered, version ${this.#version}, ${requests} requests`;
  }

  /** To be called when the addresses of this machine may have changed. */
  networkChanged(): void {
    this.#prepared?.forget();
  }

  stop(): Promise<void> {
    this.#parts.stop();
    return Promise.resolve();
  }

  #preparedItems(
    answers: PreparedAnswers | undefined,
    sources: IntrinsicSources,
  ): PreparedItems | undefined {
    this.#requests += this.#prepared?.sent() ?? 0;
    this.#prepared = answers;
    if (answers === undefined) {
      return undefined;
    }
    return new PreparedItems({
      answers,
      sources,
      snapshot: (pool) => this.#parts.pools.snapshot(pool),
      isWatched: (key) =>
        isFixed(key) || (isAddress(key) && this.#parts.network.isWatched && this.#knowsAddresses),
    });
  }

  /** None when the kernel cannot be asked: a failed item would end the host's enumeration. */
  #intrinsicAddresses(family: 4 | 6, complain: (text: () => string) => void): readonly string[] {
    try {
      const addresses = this.#parts.network.intrinsicAddresses(family);
      this.#knowsAddresses = true;
      return addresses;
    } catch (error) {
      this.#knowsAddresses = false;
      if (!(error instanceof NativeError)) {
        throw error;
      }
      complain(() => `${error.message}, telling the host no IPv${family} addresses`);
      return [];
    }
  }

  /** Whether the answer needs a write that a frozen file system would hold up. */
  #waitsForThaw(request: KvpRequest): boolean {
    switch (request.operation) {
      case "set":
      case "delete":
        return !liesInMemory(poolPath(this.#context.paths.pools, request.pool));
      case "setIpInfo":
        return true;
      default:
        return false;
    }
  }

  async #answerAfterThaw(
    request: KvpRequest,
    sources: IntrinsicSources,
    signal: AbortSignal,
  ): Promise<KvpReply> {
    const arrived = monotonicMilliseconds();
    if (!(await this.#context.freezeState.isThawedWithin(frozenPatienceSeconds))) {
      throw new RequestError(Status.machineLocked, "file systems are frozen for a backup");
    }
    return this.#answer(request, sources, signal, arrived);
  }

  #answer(
    request: KvpRequest,
    sources: IntrinsicSources,
    signal: AbortSignal,
    arrived = monotonicMilliseconds(),
  ): KvpReply | Promise<KvpReply> {
    const { pools, network } = this.#parts;
    switch (request.operation) {
      case "enumerate": {
        const item =
          request.pool === KvpPool.auto
            ? intrinsicItem(request.index, sources)
            : pools.record(request.pool, request.index);
        return { kind: "item", ...(item ?? noMoreItems("no more items")) };
      }
      case "get": {
        const intrinsic =
          request.pool === KvpPool.auto ? intrinsicValue(request.key, sources) : undefined;
        const value = intrinsic ?? pools.get(request.pool, request.key);
        return { kind: "value", value: value ?? noMoreItems("no such key") };
      }
      case "set":
        changePool(() => pools.set(request.pool, request.key, request.value));
        return { kind: "done" };
      case "delete":
        return changePool(() => pools.delete(request.pool, request.key))
          ? { kind: "done" }
          : noMoreItems("no such key");
      case "getIpInfo": {
        const adapter = network.reportByMac(request.adapterId);
        if (adapter === undefined) {
          throw new RequestError(Status.fail, "no network adapter has this address");
        }
        return ipInfoReply(adapter);
      }
      case "setIpInfo":
        return this.#parts.applyIpInfo(request, signal, arrived).then(() => ({ kind: "done" }));
      case "refused":
        throw new RequestError(
          request.reason === "operation" ? Status.notSupported : Status.invalidArgument,
          request.text,
        );
    }
  }
}

function noMoreItems(text: string): never {
  throw new RequestError(Status.noMoreItems, text);
}

/** An answer that every enumeration ends with, or that a host asks for to find out. */
function isOrdinary(error: unknown): boolean {
  return error instanceof RequestError && error.status === Status.noMoreItems;
}

/** The service on this machine. @throws NativeError when the network cannot be watched. */
export function createKvpService(context: ServiceContext): Service {
  const osRelease = readOsRelease();
  const hostName = new HostName({ onChange: () => undefined });
  const networkChanged = () => {
    hostName.refresh();
    service.networkChanged();
  };
  const service = new KvpService(context, {
    ...machineParts(context, networkChanged),
    intrinsics: {
      hostName: () => hostName.current(),
      osName: () => osRelease.name,
      osVersion: () => osRelease.version,
      kernelRelease: release,
      machine,
    },
  });
  return service;
}
