// What the supervisor runs: one integration service of the host.

import type { Log, Logger } from "../log.ts";
import type { Paths } from "../platform/paths.ts";
import type { MessageChannel } from "../transport/channel.ts";
import type { FreezeState } from "./freeze-state.ts";
import type { Settings } from "./settings.ts";

export type ServiceName = "kvp" | "vss" | "fcopy";

/** One integration service. Started once, connected as often as the host offers it. */
export interface Service {
  readonly name: ServiceName;
  /**
   * Undoes what an earlier process has left behind. Called once, before anything
   * else, and awaited before the next service is made. Never rejects.
   */
  recover?(): Promise<void>;
  /**
   * Opens the channel to the host, or resolves to undefined while it is not
   * offered; the supervisor asks again when devices change.
   * @throws NativeError when the kernel refuses: EBUSY, EACCES.
   */
  connect(): Promise<MessageChannel | undefined>;
  /**
   * Registers, calls `ready` once the host can be answered, and answers until the
   * channel ends. Rejects with {@link ChannelClosed} at the end of the channel or
   * on abort, and with anything else when the channel cannot be served further.
   * The supervisor closes the channel afterwards.
   */
  serve(channel: MessageChannel, ready: () => void, signal: AbortSignal): Promise<void>;
  /** The settings were read again; {@link ServiceContext.settings} has the new ones. */
  settingsChanged?(): void;
  /** One line for `systemctl status`. */
  status(): string;
  /** Ends what the service holds besides the channel, at most once. */
  stop(): Promise<void>;
}

/** What every service gets from the agent. */
export interface ServiceContext {
  readonly paths: Paths;
  readonly log: Log;
  /** All lines of the process; held back while file systems are frozen. */
  readonly logger: Logger;
  /** Whether file systems are frozen: to be waited for before a write. */
  readonly freezeState: FreezeState;
  /** The settings now: a reload changes them. */
  readonly settings: () => Settings;
  /** To be called when {@link Service.status} says something new. */
  readonly statusChanged: () => void;
}
