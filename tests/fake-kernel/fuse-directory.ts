// A directory of message devices, served through /dev/fuse. The process that serves
// it must never touch it by a call that blocks: nobody would answer.

import { closeSync, openSync, read, writeSync } from "node:fs";
import {
  attributesBody,
  countBody,
  directoryBody,
  entryBody,
  Errno,
  type FuseRequest,
  initBody,
  interruptedRequest,
  MAX_TRANSFER,
  nameIn,
  Opcode,
  openBody,
  parseRequest,
  pollHandle,
  pollNotification,
  readSize,
  reply,
  ROOT_NODE,
  writtenBytes,
} from "./fuse-wire.ts";

/** A read that may be answered later. */
export interface PendingRead {
  readonly unique: bigint;
  readonly size: number;
  answer(errno: number, bytes?: Uint8Array): void;
}

/** What a file in the directory does; errors are errnos. */
export interface DeviceFile {
  /** 0 or an errno. */
  open(): number;
  release(): void;
  read(request: PendingRead): void;
  /** Gives up a read that has not been answered; false when it is not this device's. */
  interrupt(unique: bigint): boolean;
  /** 0 or an errno. */
  write(message: Buffer): number;
  /** The events that stand now; `wake` takes the place of the one given before. */
  poll(wake: (() => void) | undefined): number;
}

/** A mounted directory of {@link DeviceFile}s. */
export class FuseDirectory {
  readonly #path: string;
  readonly #fd = openSync("/dev/fuse", "r+");
  readonly #buffer = Buffer.alloc(MAX_TRANSFER + 8192);
  readonly #names = new Map<string, bigint>();
  readonly #files = new Map<bigint, DeviceFile>();
  #lastNode = ROOT_NODE;
  #closed = false;

  /** Mounts over `path`. @throws Error with the words of mount(8). */
  constructor(path: string) {
    this.#path = path;
    const options = "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other";
    const mount = Bun.spawnSync(
      ["mount", "-i", "-n", "-t", "fuse", "-o", options, "fake-kernel", path],
      { stdio: ["ignore", "ignore", "pipe", this.#fd] },
    );
    if (mount.exitCode !== 0) {
      throw new Error(`mount '${path}': ${mount.stderr?.toString().trim()}`);
    }
    this.#serve();
  }

  /** From now on `name` is this file; whoever has the previous one open keeps it. */
  put(name: string, file: DeviceFile): void {
    this.#lastNode += 1n;
    this.#names.set(name, this.#lastNode);
    this.#files.set(this.#lastNode, file);
  }

  remove(name: string): void {
    this.#names.delete(name);
  }

  /** Ends the connection: whoever still has a file open gets errors. */
  close(): void {
    if (this.#closed) {
      return;
    }
    this.#closed = true;
    Bun.spawnSync(["umount", "-l", this.#path]);
    closeSync(this.#fd);
  }

  #serve(): void {
    read(this.#fd, this.#buffer, 0, this.#buffer.length, null, (error, count) => {
      if (this.#closed || error?.code === "ENODEV") {
        return;
      }
      // ENOENT: the request was taken back before it was read.
      if (error !== null && error.code !== "ENOENT" && error.code !== "EINTR") {
        throw error;
      }
      if (error === null) {
        this.#handle(parseRequest(this.#buffer.subarray(0, count)));
      }
      this.#serve();
    });
  }

  #send(message: Buffer): void {
    if (this.#closed) {
      return;
    }
    try {
      writeSync(this.#fd, message);
    } catch (error) {
      // ENOENT: the process that asked is dead, and its request with it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") {
        throw error;
      }
    }
  }

  #handle(request: FuseRequest): void {
    const { opcode, unique, node, body } = request;
    const answer = (errno: number, bytes?: Uint8Array) => this.#send(reply(unique, errno, bytes));
    switch (opcode) {
      case Opcode.init:
        return answer(0, initBody());
      case Opcode.forget:
      case Opcode.batchForget:
        return undefined;
      case Opcode.lookup: {
        const found = this.#names.get(nameIn(body));
        return found === undefined ? answer(Errno.ENOENT) : answer(0, entryBody(found));
      }
      case Opcode.getattr:
      case Opcode.setattr:
        return answer(0, attributesBody(node));
      case Opcode.opendir:
        return answer(0, openBody());
      case Opcode.readdir: {
        const entries = [...this.#names].map(([name, entry]) => ({ name, node: entry }));
        return answer(0, directoryBody(body, entries));
      }
      case Opcode.statfs:
        return answer(0, Buffer.alloc(80));
      case Opcode.flush:
      case Opcode.releasedir:
      case Opcode.access:
        return answer(0);
      case Opcode.ioctl:
        return answer(Errno.ENOTTY);
      case Opcode.fsync:
        return answer(Errno.EINVAL);
      case Opcode.interrupt: {
        const target = interruptedRequest(body);
        [...this.#files.values()].some((file) => file.interrupt(target));
        return undefined;
      }
      default: {
        const file = this.#files.get(node);
        return file === undefined ? answer(Errno.ENOSYS) : this.#handleFile(file, request, answer);
      }
    }
  }

  #handleFile(
    file: DeviceFile,
    { opcode, unique, body }: FuseRequest,
    answer: (errno: number, bytes?: Uint8Array) => void,
  ): void {
    switch (opcode) {
      case Opcode.open: {
        const errno = file.open();
        return answer(errno, openBody());
      }
      case Opcode.release:
        answer(0);
        return file.release();
      case Opcode.read:
        return file.read({ unique, size: readSize(body), answer });
      case Opcode.write: {
        const message = writtenBytes(body);
        return answer(file.write(message), countBody(message.length));
      }
      case Opcode.poll: {
        const handle = pollHandle(body);
        const wake = handle === undefined ? undefined : () => this.#send(pollNotification(handle));
        return answer(0, countBody(file.poll(wake)));
      }
      default:
        return answer(Errno.ENOSYS);
    }
  }
}
