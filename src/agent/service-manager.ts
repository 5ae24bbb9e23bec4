// What systemd is told (sd_notify(3)) and the pulse of its watchdog.

import { type Log, printable } from "../log.ts";
import { native } from "../native/binding.ts";
import { callNative } from "../native/native-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Tells the service manager how we are; does nothing where there is none. */
export class ServiceManager {
  readonly #socket: string | undefined;
  readonly #log: Log;
  #pulse: ReturnType<typeof setInterval> | undefined;

  constructor(environment: Environment, log: Log) {
    this.#socket = environment["NOTIFY_SOCKET"];
    this.#log = log;
    const milliseconds = watchdogMilliseconds(environment);
    if (this.#socket !== undefined && milliseconds !== undefined) {
      // From the event loop on purpose: a stuck loop must miss it.
      this.#pulse = setInterval(() => this.#send("WATCHDOG=1"), milliseconds / 2);
    }
  }

  ready(): void {
    this.#send("READY=1");
  }

  /** One line for `systemctl status`. */
  status(text: string): void {
    this.#send(`STATUS=${printable(text)}`);
  }

  /** Type=notify-reload wants the time by CLOCK_MONOTONIC; {@link ready} ends it. */
  reloading(): void {
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(): void {
    clearInterval(this.#pulse);
    this.#pulse = undefined;
    this.#send("STOPPING=1");
  }

  #send(state: string): void {
    const socket = this.#socket;
    if (socket === undefined) {
      return;
    }
    try {
      callNative(() => native().sendDatagram(socket, state));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.debug(() => `${reason}, ignoring`);
    }
  }
}

/** The watchdog's period, if it is for this process (sd_watchdog_enabled(3)). */
function watchdogMilliseconds(environment: Environment): number | undefined {
  const pid = environment["WATCHDOG_PID"];
  const microseconds = Number(environment["WATCHDOG_USEC"]);
  const ours = pid === undefined || Number(pid) === process.pid;
  return ours && microseconds > 0 ? microseconds / 1000 : undefined;
}
