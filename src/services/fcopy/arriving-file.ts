// A file that is being received: without a name, or under a hidden one, in the
// directory where it will be, until all of it is on disk.

import { constants } from "node:fs";
import { type FileHandle, open, rename, statfs, unlink } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { native } from "../../native/binding.ts";
import { NativeError } from "../../native/native-error.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import { type Destination, requestError } from "./destination.ts";

/** Who may do what with a received file; undefined keeps what is there, or the C daemon's. */
export interface Ownership {
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** Hidden names begin so; a leftover of a crash is told by it. */
export const hiddenPrefix = ".hvguest-";

/** The C daemon's mode of new files. */
const defaultMode = 0o744;

/** O_TMPFILE of x86-64 and arm64 (include/uapi/asm-generic/fcntl.h). */
const nameless = 0o20000000 | constants.O_DIRECTORY;

const { EEXIST, ENOENT, ENOSPC, EDQUOT, EFBIG, EINVAL, ENOSYS } = osConstants.errno;

/** A file on its way. Exactly one of {@link ArrivingFile.place} and discard ends it. */
export class ArrivingFile {
  readonly #directory: FileHandle;
  readonly #destination: Destination;
  readonly #file: FileHandle;
  /** Whether it has the hidden name now. */
  #hidden: boolean;
  /** All flushes so far, one after the other; rejects with the first failure. */
  #flushed: Promise<void> = Promise.resolve();

  private constructor(
    directory: FileHandle,
    destination: Destination,
    file: FileHandle,
    hidden: boolean,
  ) {
    this.#directory = directory;
    this.#destination = destination;
    this.#file = file;
    this.#hidden = hidden;
  }

  /**
   * Makes the file and reserves its space.
   * @throws RequestError disk full when `bytes` cannot fit.
   */
  static async create(destination: Destination, bytes: number): Promise<ArrivingFile> {
    const { directory: path } = destination;
    const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY).catch(
      (error: unknown) => {
        throw requestError(`open '${path}'`, error);
      },
    );
    let arriving: ArrivingFile;
    try {
      arriving = await ArrivingFile.#open(directory, destination);
    } catch (error) {
      await directory.close();
      throw requestError(`make a file in '${path}'`, error);
    }
    try {
      await arriving.#reserve(bytes);
    } catch (error) {
      await arriving.discard();
      throw error;
    }
    return arriving;
  }

  static async #open(directory: FileHandle, destination: Destination): Promise<ArrivingFile> {
    const path = `/proc/self/fd/${directory.fd}`;
    try {
      const file = await open(path, nameless | constants.O_WRONLY, 0o600);
      return new ArrivingFile(directory, destination, file, false);
    } catch (error) {
      if (!hasCode(error, "EOPNOTSUPP", "EISDIR", "EINVAL", "ENOENT", "ENOTSUP")) {
        throw error;
      }
    }
    // The file system has no nameless files: FAT, NFS, 9p, older overlays.
    const hidden = `${path}/${hiddenName(destination.name)}`;
    await unlinkIfThere(hidden);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(hidden, flags, 0o600);
    return new ArrivingFile(directory, destination, file, true);
  }

  /** A path by which this process can open the file, whatever its name is. */
  get path(): string {
    return `/proc/self/fd/${this.#file.fd}`;
  }

  /** The path where it will be. */
  get destination(): string {
    return `${this.#destination.directory}/${this.#destination.name}`.replace(/^\/\//, "/");
  }

  /** The hidden name by which it can be found after a crash, where it has one. */
  get leftover(): string {
    return `${this.#destination.directory}/${hiddenName(this.#destination.name)}`;
  }

  /** @throws RequestError disk full, or failed */
  async write(data: Uint8Array, position: number): Promise<void> {
    try {
      for (let done = 0; done < data.length; ) {
        const { bytesWritten } = await this.#file.write(
          data,
          done,
          data.length - done,
          position + done,
        );
        done += bytesWritten;
      }
    } catch (error) {
      throw requestError(`write '${this.destination}'`, error);
    }
  }

  /**
   * Sends what has been written to the disk, so that the end has less to wait for.
   * A failure fails {@link ArrivingFile.place}, too.
   */
  flush(): Promise<void> {
    this.#flushed = this.#flushed.then(() => this.#file.datasync());
    return this.#flushed;
  }

  /**
   * Puts the file into its place: on disk before it has a name, and the name on
   * disk before this resolves. The file before it is there until then.
   * Not if `awaited` is aborted before: the host has been told that it failed.
   * @throws RequestError; nothing is left behind then.
   */
  async place(ownership: Ownership, awaited: AbortSignal): Promise<void> {
    try {
      const { replaces } = this.#destination;
      const uid = ownership.uid ?? replaces?.uid;
      const gid = ownership.gid ?? replaces?.gid;
      if (uid !== undefined || gid !== undefined) {
        const owner = await this.#file.stat();
        await this.#file.chown(uid ?? owner.uid, gid ?? owner.gid);
      }
      if (replaces !== undefined) {
        await this.#inheritAttributes();
      }
      // After the access list, which changes the mode as well.
      await this.#file.chmod(ownership.mode ?? replaces?.mode ?? defaultMode);
      // The kernel tells data that the disk did not take once for each open file: when
      // a flush has been told, this fsync is not, and succeeds.
      await this.#flushed;
      await this.#file.sync();
      awaited.throwIfAborted();
      await (replaces === undefined ? this.#placeNew() : this.#replace());
      await this.#directory.sync();
    } catch (error) {
      throw requestError(`place '${this.destination}'`, error);
    } finally {
      await this.discard();
    }
  }

  /** Drops the file, if it has not been placed. */
  async discard(): Promise<void> {
    try {
      if (this.#hidden) {
        await unlinkIfThere(this.#in(hiddenName(this.#destination.name)));
        this.#hidden = false;
      }
    } finally {
      // One that stays open would be closed by the collector, with an error.
      await Promise.allSettled([this.#file.close(), this.#directory.close()]);
    }
  }

  async #reserve(bytes: number): Promise<void> {
    if (bytes === 0) {
      return;
    }
    const errno = await native().reserveSpace(this.path, bytes);
    if (errno === 0) {
      return;
    }
    // A file system that cannot reserve can at least say what is free.
    if (errno === ENOSPC || errno === EDQUOT || bytes > (await this.#free())) {
      throw new RequestError(Status.diskFull, `no space for ${bytes} bytes`);
    }
    if (errno === EFBIG) {
      throw new RequestError(Status.fileTooLarge, `no file can have ${bytes} bytes here`);
    }
  }

  /** Bytes that are free where the file will be. */
  async #free(): Promise<number> {
    const { blocks, bavail, bsize } = await statfs(this.#in("."));
    // A file system without a size (ramfs, many of FUSE) tells nothing.
    return blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
  }

  /** Access list, security label and users' attributes, of the file that is replaced. */
  async #inheritAttributes(): Promise<void> {
    const old = this.#in(this.#destination.name);
    const errno = await native().handOverAttributes(old, this.path);
    // ENOENT: somebody has removed it meanwhile.
    if (errno !== 0 && errno !== ENOENT) {
      throw new NativeError(`take over the attributes of '${this.destination}'`, errno);
    }
  }

  async #placeNew(): Promise<void> {
    const target = this.#in(this.#destination.name);
    let errno: number;
    if (this.#hidden) {
      const hidden = this.#in(hiddenName(this.#destination.name));
      errno = await native().renameNew(hidden, target);
      if (errno === EINVAL || errno === ENOSYS) {
        // The file system cannot refuse to replace; nothing was there at START.
        await rename(hidden, target);
        errno = 0;
      }
      this.#hidden &&= errno !== 0;
    } else {
      errno = await native().linkFile(this.path, target);
    }
    if (errno === EEXIST) {
      throw new RequestError(Status.alreadyExists, `'${this.destination}' exists by now`);
    }
    if (errno !== 0) {
      throw new NativeError(`link '${this.destination}'`, errno);
    }
  }

  async #replace(): Promise<void> {
    const hidden = this.#in(hiddenName(this.#destination.name));
    if (!this.#hidden) {
      await unlinkIfThere(hidden);
      const errno = await native().linkFile(this.path, hidden);
      if (errno !== 0) {
        throw new NativeError(`link '${hidden}'`, errno);
      }
      this.#hidden = true;
    }
    await rename(hidden, this.#in(this.#destination.name));
    this.#hidden = false;
  }

  /** A name in the directory that was opened, whatever has become of its path. */
  #in(name: string): string {
    return `/proc/self/fd/${this.#directory.fd}/${name}`;
  }
}

/** Always the same for a name, so that a copy that is tried again finds its leftover. */
function hiddenName(name: string): string {
  return hiddenPrefix + Bun.hash.xxHash64(name).toString(16).padStart(16, "0");
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) {
      throw error;
    }
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
