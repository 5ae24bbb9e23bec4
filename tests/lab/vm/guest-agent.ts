// Runs commands in a guest: the other side of guest/hvagent.c, over a
// virtio-serial port that QEMU shows as a Unix socket.

import { constants } from "node:os";
import { DeadlineError, within } from "./deadline.ts";
import { FrameSocket } from "./frame-socket.ts";

/** The connection to the guest was lost, or a command in it failed. */
export class GuestError extends Error {
  override readonly name = "GuestError";
}

/** What a command in the guest left. */
export interface CommandResult {
  /** Exit status, or 128 + the signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type SignalName = keyof typeof constants.signals;

/** Most bytes of one frame to hvagent. */
const stdinChunk = 32_768;

/** A command that runs in the guest. */
export class GuestJob {
  readonly command: string;
  readonly #agent: GuestAgent;
  readonly #id: number;
  readonly #ended = Promise.withResolvers<number>();
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  #code: number | undefined;

  constructor(agent: GuestAgent, id: number, command: string) {
    this.#agent = agent;
    this.#id = id;
    this.command = command;
    this.#ended.promise.catch(() => {
      // Reported to whoever waits.
    });
  }

  /** What it has written so far. */
  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stdoutBytes(): Uint8Array {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** Its exit status (128 + signal), undefined while it runs. */
  get code(): number | undefined {
    return this.#code;
  }

  get isDone(): boolean {
    return this.#code !== undefined;
  }

  /** Writes to its standard input. */
  write(data: Uint8Array | string): void {
    const bytes = Buffer.from(data);
    for (let offset = 0; offset < bytes.length; offset += stdinChunk) {
      this.#agent.send("I", this.#id, bytes.subarray(offset, offset + stdinChunk));
    }
  }

  closeStdin(): void {
    this.#agent.send("E", this.#id);
  }

  /** Sends a signal to the process group of the command. */
  kill(signal: SignalName = "SIGKILL"): void {
    const data = Buffer.alloc(4);
    data.writeUInt32LE(constants.signals[signal]);
    this.#agent.send("K", this.#id, data);
  }

  /** @throws DeadlineError while it still runs, GuestError when the guest is lost. */
  async wait(milliseconds = 60_000): Promise<CommandResult> {
    const whatFor = () =>
      `command in the guest: ${this.command} (so far: ${this.stdout.slice(-500)}${this.stderr.slice(-500)})`;
    const code = await within(milliseconds, whatFor, this.#ended.promise);
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** For the agent alone: output, end or loss. */
  accept(kind: string, data: Uint8Array): void {
    if (kind === "O") {
      this.#stdout.push(data);
    } else if (kind === "R") {
      this.#stderr.push(data);
    } else if (kind === "D") {
      this.#code = Buffer.from(data).readInt32LE(0);
      this.#ended.resolve(this.#code);
    } else {
      this.#ended.reject(new GuestError(`guest lost during: ${this.command}`));
    }
  }
}

/** A connection to hvagent. */
export class GuestAgent {
  readonly #jobs = new Map<number, GuestJob>();
  #socket: FrameSocket | undefined;
  #nextId = 1;
  #pong = Promise.withResolvers<undefined>();

  /**
   * Connects and waits until the agent answers. `isAlive` ends the wait early
   * when the machine has gone.
   */
  static async connect(
    path: string,
    milliseconds: number,
    isAlive: () => boolean,
  ): Promise<GuestAgent> {
    const agent = new GuestAgent();
    const end = performance.now() + milliseconds;
    for (;;) {
      if (!isAlive()) {
        throw new GuestError("qemu has exited");
      }
      if (performance.now() > end) {
        agent.close();
        throw new DeadlineError(
          `the guest's agent does not answer within ${milliseconds / 1000} s`,
        );
      }
      if (await agent.#ping(path)) {
        return agent;
      }
    }
  }

  start(command: string, stdin?: Uint8Array | string): GuestJob {
    const id = this.#nextId;
    this.#nextId += 1;
    const job = new GuestJob(this, id, command);
    this.#jobs.set(id, job);
    this.send("X", id, Buffer.from(command));
    if (stdin !== undefined) {
      job.write(stdin);
      job.closeStdin();
    }
    return job;
  }

  send(kind: string, id: number, data: Uint8Array = new Uint8Array(0)): void {
    if (this.#socket === undefined) {
      throw new GuestError("the guest's agent is not connected");
    }
    const frame = Buffer.alloc(5 + data.length);
    frame.write(kind, 0, "latin1");
    frame.writeUInt32LE(id, 1);
    frame.set(data, 5);
    this.#socket.send(frame);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  async #ping(path: string): Promise<boolean> {
    try {
      this.#socket ??= await FrameSocket.connect(path, {
        frame: (bytes) => this.#accept(bytes),
        closed: () => this.#lost(),
      });
      this.send("P", 0);
    } catch {
      // QEMU has not made the socket yet, or the guest reboots: asked again.
      this.#socket = undefined;
      await Bun.sleep(50);
      return false;
    }
    const answered = this.#pong.promise.then(() => true);
    return Promise.race([answered, Bun.sleep(250).then(() => false)]);
  }

  #accept(bytes: Uint8Array): void {
    const frame = Buffer.from(bytes);
    const kind = frame.toString("latin1", 0, 1);
    const id = frame.readUInt32LE(1);
    if (kind === "P") {
      this.#pong.resolve(undefined);
      return;
    }
    const job = this.#jobs.get(id);
    if (kind === "D") {
      this.#jobs.delete(id);
    }
    job?.accept(kind, frame.subarray(5));
  }

  #lost(): void {
    this.#socket = undefined;
    for (const job of this.#jobs.values()) {
      job.accept("lost", new Uint8Array(0));
    }
    this.#jobs.clear();
  }
}
