// The fuzzer: seeded messages from the kernel to the daemon, with interrupted reads,
// late replies and services that go in between. The daemon must answer each whole
// message once, stay the same process, and go on as if nothing had happened.

import { readFileSync } from "node:fs";
import { DaemonProcess } from "../contract/daemon-process.ts";
import { agent } from "../contract/daemons.ts";
import { emptyPools } from "../contract/guests.ts";
import { Errno } from "../fake-kernel/fuse-wire.ts";
import type { ServiceDriver } from "../fake-kernel/service-driver.ts";
import { FakeVmbus } from "../fake-kernel/vmbus.ts";
import { allowFileCopy, restrictFileCopy } from "./fcopy-target.ts";
import { Random } from "./random.ts";
import type { FuzzTarget } from "./target.ts";

export interface FuzzOptions {
  readonly seed: number;
  readonly messages: number;
  readonly onProgress?: (done: number) => void;
}

export interface FuzzResult {
  readonly answered: number;
  /** Messages after which the daemon registered again, as it had to. */
  readonly registeredAgain: number;
  readonly logLines: number;
  readonly residentMiB: number;
}

/** What the daemon did wrong; the message tells seed and place. */
export class FuzzFinding extends Error {
  override readonly name = "FuzzFinding";
}

const canaryEvery = 250;
const patienceMilliseconds = 30_000;
const residentLimitMiB = 160;

/** @throws FuzzFinding */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  emptyPools();
  restrictFileCopy();
  const run = new FuzzRun(target, options);
  try {
    return await run.toEnd();
  } finally {
    await run.close();
    allowFileCopy();
  }
}

class FuzzRun {
  readonly #target: FuzzTarget;
  readonly #options: FuzzOptions;
  readonly #random: Random;
  readonly #bus = new FakeVmbus();
  #driver: ServiceDriver;
  readonly #daemon: DaemonProcess;
  readonly #watchdog: NodeJS.Timeout;
  /** Ends the wait that is under way. */
  #giveUp: (error: Error) => void = () => undefined;
  #done = 0;
  #answered = 0;
  #registeredAgain = 0;

  constructor(target: FuzzTarget, options: FuzzOptions) {
    this.#target = target;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#driver = target.offer(this.#bus);
    this.#daemon = new DaemonProcess(agent(target.service));
    let before = -1;
    this.#watchdog = setInterval(() => {
      if (this.#done === before) {
        this.#giveUp(this.#finding(`no answer within ${patienceMilliseconds / 1000} s`));
      }
      before = this.#done;
    }, patienceMilliseconds);
  }

  async toEnd(): Promise<FuzzResult> {
    await this.#within(this.#driver.ready());
    await this.#within(this.#target.canary(this.#driver, 0));
    let before: string | undefined;
    while (this.#done < this.#options.messages) {
      await this.#step();
      this.#done += 1;
      if (this.#done % canaryEvery === 0) {
        // Not sooner: a thread that has just begun has no name of its own yet.
        before ??= this.#held();
        await this.#canary();
        this.#options.onProgress?.(this.#done);
      }
    }
    await this.#canary();
    await this.#sameAsBefore(before ?? this.#held());
    const residentMiB = residentKiB(this.#daemon.pid) / 1024;
    if (residentMiB > residentLimitMiB) {
      throw this.#finding(`${residentMiB.toFixed(0)} MiB resident`);
    }
    return { ...(await this.#ended()), residentMiB };
  }

  /** The daemon's threads and how many descriptors it has. */
  #held(): string {
    return `${this.#daemon.threads.join()}, ${this.#daemon.descriptorCount} descriptors`;
  }

  async #sameAsBefore(before: string): Promise<void> {
    // The runtime opens a file for a moment, now and then.
    for (let looks = 0; this.#held() !== before && looks < 100; looks += 1) {
      await Bun.sleep(10);
    }
    if (this.#held() !== before) {
      throw this.#finding(`${before} became ${this.#held()}`);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    await this.#daemon[Symbol.asyncDispose]();
    this.#bus.close();
  }

  async #ended(): Promise<Omit<FuzzResult, "residentMiB">> {
    this.#daemon.kill();
    const status = await this.#within(this.#daemon.exitStatus());
    const log = await this.#daemon.stderr();
    const lines = log.split("\n");
    if (status !== 0 || log.includes("bug:")) {
      throw this.#finding(`exit status ${status}: ${lines.slice(-20).join("\n")}`);
    }
    const [answered, registeredAgain] = [this.#answered, this.#registeredAgain];
    return { answered, registeredAgain, logLines: lines.length };
  }

  async #step(): Promise<void> {
    if (this.#random.once(2000)) {
      await this.#takeServiceAway();
    }
    if (this.#random.once(100)) {
      this.#driver.transport.failReads(this.#random.pick([Errno.EINTR, Errno.EAGAIN]));
    }
    const isLate = this.#random.once(500);
    this.#driver.beforeReply = isLate ? () => this.#driver.expire() : undefined;
    const message = this.#target.message(this.#random);
    const outcome = await this.#within(this.#driver.request(message));
    this.#driver.beforeReply = undefined;
    if (outcome.kind === "reply") {
      this.#answered += 1;
      const fault = this.#target.faultOf(outcome.message);
      if (fault !== undefined) {
        throw this.#finding(`the answer: ${fault}`, message);
      }
    } else if (isLate || !this.#target.mustAnswer(message)) {
      this.#registeredAgain += 1;
      await this.#registered(message);
    } else {
      throw this.#finding(`no answer: ${outcome.kind}`, message);
    }
  }

  /** The daemon closes the device and registers again. */
  async #registered(message: Buffer): Promise<void> {
    if (this.#driver.isReady) {
      await this.#within(this.#driver.transport.next("release"));
    }
    await this.#within(this.#driver.ready());
    if (!this.#daemon.isRunning) {
      throw this.#finding("the daemon ended", message);
    }
  }

  async #takeServiceAway(): Promise<void> {
    await this.#within(this.#bus.rescind(this.#driver));
    this.#driver = this.#target.offer(this.#bus);
    await this.#within(this.#driver.ready());
  }

  async #canary(): Promise<void> {
    try {
      await this.#within(this.#target.canary(this.#driver, this.#done));
    } catch (error) {
      throw this.#finding(error instanceof Error ? error.message : String(error));
    }
  }

  /** One wait at a time. Not Promise.race: a promise that lives long keeps every race. */
  #within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      promise.then(resolve, reject);
    });
  }

  #finding(text: string, message?: Buffer): FuzzFinding {
    const { service } = this.#target;
    const place = `${service}, seed ${this.#options.seed}, message ${this.#done}`;
    const shown = message === undefined ? "" : `\n${describe(message)}`;
    return new FuzzFinding(`${place}: ${text}${shown}`);
  }
}

/** Length and bytes, without the zeros at the end. */
function describe(message: Buffer): string {
  const end = message.findLastIndex((byte) => byte !== 0) + 1;
  return `${message.length} bytes: ${message.subarray(0, Math.min(end, 600)).toString("hex")}`;
}

function residentKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}
