// The only file that loads the native module, and its type as TypeScript sees it.
// The module is embedded in the executable. It is loaded from a file without a
// name, never by Bun's own extraction, which leaves a file in /tmp, trusts what it
// finds there and fails where /tmp is missing, full or noexec. It is not called
// .node, which Bun refuses to import as a file when it runs from source.

import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import embedded from "../../dist/hv_native.so" with { type: "file" };

/**
 * Messages that the channel's own thread answers and writes to a file, without us.
 * Anything that does not fit is received as usual, and all after a failed write. Offsets are those of a message.
 */
export interface DiversionRule {
  /** The path of the file, which exists. */
  readonly file: string;
  /** What a message has to contain. */
  readonly expect: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  /** A u64: where in the file the data belong; only what continues is taken. */
  readonly positionAt: number;
  /** A u32: how many bytes of data there are. */
  readonly lengthAt: number;
  readonly dataAt: number;
  readonly mostBytes: number;
  /** The file's size in the end; nothing is written beyond. */
  readonly fileBytes: number;
  /** The whole answer; without it the message is sent back, with the patches. */
  readonly answer?: Uint8Array;
  readonly patches: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  /** A write that took longer is not answered: the channel ends. */
  readonly patienceMilliseconds: number;
}

/** Lets a reading thread write file data and answer by itself (diversion.rs). */
export interface NativeDiverter {
  divert(rule: DiversionRule): void;
  diverted(): number;
  diversionFailure(): number;
  endDiversion(): void;
}

/** A request and its answer; zeros at their ends may be left off (prepared.rs). */
export interface PreparedAnswer {
  readonly request: Uint8Array;
  readonly answer: Uint8Array;
}

/** A file and the state of it that answers were made from; times in nanoseconds. */
export interface FileState {
  readonly path: string;
  readonly device: bigint;
  readonly inode: bigint;
  readonly size: bigint;
  readonly modified: bigint;
  readonly changed: bigint;
}

/** A message device with its reading thread (crates/hv_native/src/device.rs). */
export interface NativeDevice extends NativeDiverter {
  write(message: Uint8Array): void;
  prepare(answers: readonly PreparedAnswer[], file?: FileState): void;
  forgetPrepared(): void;
  /** How many prepared answers were sent. */
  preparedSent(): number;
  close(): void;
}

/** A ring channel with its reading thread (uio.rs). */
export interface NativeUioRing extends NativeDiverter {
  send(message: Uint8Array): void;
  /** The last message has been dealt with. */
  proceed(): void;
  close(): void;
}

/** Sleeps until devices may have come or gone (device_watch.rs). */
export interface NativeDeviceWatch {
  close(): void;
}

/** Sleeps until files of a directory may have changed (directory_watch.rs). */
export interface NativeDirectoryWatch {
  close(): void;
}

/** A bounded queue in front of standard error (log_writer.rs). */
export interface NativeLogWriter {
  write(line: string): void;
  flush(milliseconds: number): boolean;
}

/** Sleeps until interfaces, addresses or default routes change (netlink_watch.rs). */
export interface NativeNetworkWatch {
  close(): void;
}

/** The network as the kernel has it (netlink_records.rs says what each field means). */
export interface NetworkRecords {
  readonly links: readonly LinkRecord[];
  readonly addresses: readonly AddressRecord[];
  readonly defaultRoutes: readonly DefaultRouteRecord[];
  readonly undecoded: number;
}

export interface LinkRecord {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
  readonly flags: number;
  readonly kind?: string;
  readonly master?: number;
  readonly lower?: number;
  readonly operState?: number;
}

export interface AddressRecord {
  readonly interfaceIndex: number;
  readonly family: number;
  readonly address: string;
  readonly prefixLength: number;
  readonly scope: number;
  readonly flags: number;
  readonly preferredSeconds: number;
  readonly validSeconds: number;
}

export interface DefaultRouteRecord {
  readonly family: number;
  readonly gateway?: string;
  readonly interfaceIndex: number;
  readonly metric: number;
  readonly table: number;
  readonly protocol: number;
}

/** The process that thaws when we cannot (guard_process.rs). */
export interface NativeFreezeGuard {
  close(): void;
}

/** What has become of a freeze (freeze.rs). */
export interface NativeFreezeEvent {
  readonly kind: "frozen" | "refused" | "thawed";
  readonly failures: readonly {
    readonly act: string;
    readonly path: string;
    readonly errno: number;
  }[];
  readonly passedOver: readonly string[];
  readonly lost: readonly string[];
  readonly expired: boolean;
}

/** What to freeze, in which order, and for how long at most (freeze.rs). */
export interface NativeFreezeOptions {
  readonly steps: readonly (readonly { readonly path: string; readonly mountId: number }[])[];
  readonly deadlineMilliseconds: number;
  readonly markerPath: string;
  readonly markerText: string;
  readonly passOverFrozen: boolean;
}

/** A freeze that is going on (freeze.rs). */
export interface NativeFreeze {
  thaw(): void;
}

/** The marker of a freeze, locked (freeze_marker.rs). */
export interface NativeFreezeMarker {
  read(): string;
  clear(): void;
  close(): void;
}

/** What crates/hv_native exports. Failures carry the errno as `code`; see native-error.ts. */
export interface Native {
  /** Gives back the code that only the start needed (program_text.rs). */
  readonly releaseProgramText: () => number;
  readonly Device: new (
    path: string,
    bufferBytes: number,
    onEvent: (message: Uint8Array | null, errno: number | null) => void,
  ) => NativeDevice;
  readonly UioRing: new (
    path: string,
    mapBytes: number,
    lockPath: string,
    onEvent: (message: Uint8Array | null, errno: number | null, reason: string | null) => void,
  ) => NativeUioRing;
  /** These resolve to an errno, 0 for none (placing.rs). */
  readonly reserveSpace: (path: string, bytes: number) => Promise<number>;
  readonly linkFile: (from: string, to: string) => Promise<number>;
  readonly renameNew: (from: string, to: string) => Promise<number>;
  readonly handOverAttributes: (from: string, to: string) => Promise<number>;
  readonly DeviceWatch: new (
    subjects: readonly string[],
    directories: readonly string[],
    onChange: () => void,
  ) => NativeDeviceWatch;
  readonly DirectoryWatch: new (directory: string, onChange: () => void) => NativeDirectoryWatch;
  readonly NetworkWatch: new (onChange: () => void) => NativeNetworkWatch;
  readonly readNetwork: () => NetworkRecords;
  readonly Freeze: new (
    guard: NativeFreezeGuard,
    options: NativeFreezeOptions,
    onEvent: (event: NativeFreezeEvent) => void,
  ) => NativeFreeze;
  readonly FreezeGuard: new () => NativeFreezeGuard;
  readonly FreezeMarker: new (path: string) => NativeFreezeMarker;
  readonly thawPaths: (
    paths: readonly string[],
    onDone: (event: NativeFreezeEvent) => void,
  ) => void;
  /** `noticePrefix` begins a line that tells how many were dropped. */
  readonly LogWriter: new (
    noticePrefix: string,
  ) => NativeLogWriter;
  /** One datagram to a Unix socket, at once or not at all (datagram.rs). */
  readonly sendDatagram: (socket: string, text: string) => void;
  /** Both kinds of lock on an open file, until it is closed; false when it stays held (lock.rs). */
  readonly lockFile: (fd: number, exclusive: boolean, waitMilliseconds: number) => boolean;
  /** The clock of file time stamps, in milliseconds since the epoch (lock.rs). */
  readonly fileTime: () => number;
}

let loaded: Native | undefined;

/**
 * The native module, loaded at the first call.
 * @throws Error with every way that was tried, when none worked.
 */
export function native(): Native {
  loaded ??= load(readFileSync(embedded));
  return loaded;
}

function load(image: Uint8Array): Native {
  const ways: [string, () => Native][] = [
    ["a nameless file in /dev/shm", () => loadFromNamelessFile("/dev/shm", image)],
    ["a memory file", () => loadFromMemoryFile(image)],
    ["a nameless file in /run", () => loadFromNamelessFile("/run", image)],
    ["a nameless file in /var/lib", () => loadFromNamelessFile("/var/lib", image)],
    ["a child's memory file", () => loadFromChild(image)],
  ];
  const failures: string[] = [];
  for (const [name, way] of ways) {
    try {
      return way();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`load the native part: ${failures.join("; ")}`);
}

function open(path: string): Native {
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, path);
  return module.exports as Native;
}

function fill(fd: number, image: Uint8Array): void {
  for (let offset = 0; offset < image.length; ) {
    offset += writeSync(fd, image, offset);
  }
}

function loadFromNamelessFile(directory: string, image: Uint8Array): Native {
  // O_TMPFILE of x86-64 and arm64 (include/uapi/asm-generic/fcntl.h).
  const nameless = 0o20000000 | constants.O_DIRECTORY;
  const fd = openSync(directory, nameless | constants.O_RDWR, 0o500);
  try {
    fill(fd, image);
    return open(`/proc/self/fd/${fd}`);
  } finally {
    closeSync(fd);
  }
}

// Needs no file system at all. bun:ffi needs the JIT, which MemoryDenyWriteExecute= takes away.
function loadFromMemoryFile(image: Uint8Array): Native {
  const { dlopen, ptr } = require("bun:ffi") as typeof import("bun:ffi");
  const libc = dlopen("libc.so.6", { memfd_create: { args: ["ptr", "u32"], returns: "i32" } });
  try {
    const name = Buffer.from("hv_native\0");
    const closeOnExec = 1;
    const executable = 0x10; // MFD_EXEC, which vm.memfd_noexec=1 asks for; unknown before 6.3
    let fd = libc.symbols.memfd_create(ptr(name), closeOnExec | executable);
    if (fd < 0) {
      fd = libc.symbols.memfd_create(ptr(name), closeOnExec);
    }
    if (fd < 0) {
      throw new Error("memfd_create failed");
    }
    try {
      fill(fd, image);
      return open(`/proc/self/fd/${fd}`);
    } finally {
      closeSync(fd);
    }
  } finally {
    libc.close();
  }
}

// Bun hands a byte array to a child as a memory file, which /proc shows.
function loadFromChild(image: Uint8Array): Native {
  const child = Bun.spawn(["/bin/sleep", "10"], {
    stdin: image,
    stdout: "ignore",
    stderr: "ignore",
    env: {},
  });
  try {
    return open(`/proc/${child.pid}/fd/0`);
  } finally {
    child.kill(9);
  }
}
