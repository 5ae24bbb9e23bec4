// A host: every integration service of one guest, connected and negotiated on demand.

import type { Machine } from "../vm/machine.ts";
import type { ServiceName } from "../vm/vmbus-devices.ts";
import type { Component } from "./component.ts";
import { FcopyHost } from "./fcopy.ts";
import { HeartbeatHost, ShutdownHost, TimesyncHost } from "./kernel-services.ts";
import { KvpHost } from "./kvp.ts";
import { VmbusChannel } from "./vmbus-channel.ts";
import { VssHost } from "./vss.ts";

const classes = {
  heartbeat: HeartbeatHost,
  kvp: KvpHost,
  timesync: TimesyncHost,
  shutdown: ShutdownHost,
  vss: VssHost,
  fcopy: FcopyHost,
} as const;

/** The services of a host by name. */
export interface HostServices {
  readonly heartbeat: HeartbeatHost;
  readonly kvp: KvpHost;
  readonly timesync: TimesyncHost;
  readonly shutdown: ShutdownHost;
  readonly vss: VssHost;
  readonly fcopy: FcopyHost;
}

/** The host of a guest. `disconnect` lets another host have the sockets. */
export class Host implements Disposable {
  readonly #pathOf: (name: ServiceName) => string;
  readonly #components = new Map<ServiceName, Component>();

  /** `pathOf` says where the socket of a service is. */
  constructor(pathOf: (name: ServiceName) => string) {
    this.#pathOf = pathOf;
  }

  static of(machine: Machine): Host {
    return new Host((name) => machine.socketPath(name));
  }

  /** A service whose socket is connected, whatever the state of its channel. */
  async attach<Name extends ServiceName>(name: Name): Promise<HostServices[Name]> {
    const known = this.#components.get(name);
    if (known?.channel.isConnected === true) {
      return known as HostServices[Name];
    }
    const channel = await VmbusChannel.connect(this.#pathOf(name), name);
    const component = new classes[name](channel);
    this.#components.set(name, component);
    return component as HostServices[Name];
  }

  /** A service whose channel is open, with nothing negotiated yet on this connection. */
  async connect<Name extends ServiceName>(
    name: Name,
    milliseconds = 60_000,
  ): Promise<HostServices[Name]> {
    const component = await this.attach(name);
    await component.channel.opened(milliseconds);
    return component;
  }

  /** A service that is ready for requests: connected, and negotiated if it was not. */
  async service<Name extends ServiceName>(
    name: Name,
    milliseconds = 60_000,
  ): Promise<HostServices[Name]> {
    const component = await this.connect(name, milliseconds);
    if (component.negotiated === undefined) {
      await component.negotiate({ milliseconds });
    }
    return component;
  }

  /** What went over the channels so far, for reports. */
  traffic(): string {
    const lines: string[] = [];
    for (const [name, component] of this.#components) {
      for (const { at, what, payload } of component.channel.traffic) {
        const bytes = payload === undefined ? "" : ` ${payload.length} bytes ${hexStart(payload)}`;
        lines.push(`${(at / 1000).toFixed(3)} ${name}: ${what}${bytes}`);
      }
    }
    return lines.sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b)).join("\n");
  }

  /** Leaves every channel. */
  disconnect(): void {
    for (const component of this.#components.values()) {
      component.channel.disconnect();
    }
    this.#components.clear();
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }
}

function hexStart(payload: Uint8Array): string {
  return Buffer.from(payload.subarray(0, 96)).toString("hex");
}
