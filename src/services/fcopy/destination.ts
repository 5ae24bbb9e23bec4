// Where a file goes. The rule is Microsoft's (Msvm_CopyFileToGuestSettingData): the
// path is the whole destination, unless it is a directory, which then gets the file
// under its own name. A path that ends in '/' is a directory, as for the C daemon.
// docs/file-copy.md has the evidence.

import { constants } from "node:fs";
import { lstat, mkdir, open, realpath, rmdir, stat } from "node:fs/promises";
import { constants as osConstants } from "node:os";
import { basename, dirname, join } from "node:path";
import { errnoText } from "../../native/native-error.ts";
import type { FcopyStart } from "../../protocol/fcopy/request.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import { checkDirectory, type Policy } from "./policy.ts";

/** A directory with a name in it that may be written. */
export interface Destination {
  /** The directory's real path, without symbolic links. */
  readonly directory: string;
  readonly name: string;
  /** The regular file that is there now and is to be replaced. */
  readonly replaces:
    | { readonly mode: number; readonly uid: number; readonly gid: number }
    | undefined;
  /** Directories that were made for it, the outermost first. */
  readonly created: readonly string[];
}

const { EDQUOT, ENOSPC } = osConstants.errno;

/** NAME_MAX of Linux's file systems, in bytes. */
const maxNameBytes = 255;

/**
 * Finds the place, makes missing directories if asked to, and checks that the file
 * may be put there.
 * @throws RequestError with the status for the host.
 */
export async function prepareDestination(
  request: FcopyStart,
  policy: Policy,
): Promise<Destination> {
  const target = await targetOf(request);
  const { real, created } = await makeDirectories(dirname(target), request.createPath, policy);
  try {
    const place = await followLink(join0(real, basename(target)), request);
    const directory = dirname(place);
    await checkDirectory(policy, directory);
    const name = basename(place);
    return { directory, name, replaces: await replaced(place, request), created };
  } catch (error) {
    await removeDirectories(created);
    throw error;
  }
}

/** Removes what {@link prepareDestination} has made, as far as nobody has put anything there. */
export async function removeDirectories(created: readonly string[]): Promise<void> {
  for (const directory of created.toReversed()) {
    try {
      await rmdir(directory);
    } catch {
      // Not empty, or gone: somebody else's by now.
      return;
    }
  }
}

/** The complete path that is meant, absolute. Relative ones begin at the root, as for the C daemon. */
async function targetOf({ pathName, fileName }: FcopyStart): Promise<string> {
  const path = pathName.startsWith("/") ? pathName : `/${pathName}`;
  if (path.endsWith("/") || (await isDirectory(path))) {
    return join0(path, checkedName(fileName));
  }
  checkedName(basename(path));
  return path;
}

function checkedName(name: string): string {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    throw new RequestError(Status.fail, `'${name}' is not the name of a file`);
  }
  if (Buffer.byteLength(name) > maxNameBytes) {
    throw new RequestError(Status.fail, `name '${name}' is longer than ${maxNameBytes} bytes`);
  }
  return name;
}

/** Without the clean-up of join(), which would take `..` out behind a symbolic link. */
function join0(directory: string, name: string): string {
  return `${directory.replace(/\/+$/, "")}/${name}`;
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Whatever hides it: it cannot be the directory that gets the file.
    return false;
  }
}

/**
 * The real path of a directory. Its missing end is made, each directory with mode
 * 0755 as the C daemon does.
 */
async function makeDirectories(
  path: string,
  createPath: boolean,
  policy: Policy,
): Promise<{ readonly real: string; readonly created: readonly string[] }> {
  const missing: string[] = [];
  let present = path;
  let real: string | undefined;
  while ((real = await realDirectory(present)) === undefined) {
    missing.unshift(basename(present));
    present = dirname(present);
  }
  if (missing.length > 0 && !createPath) {
    throw new RequestError(Status.fail, `directory '${path}' does not exist`);
  }
  if (missing.includes("..")) {
    throw new RequestError(
      Status.fail,
      `directory '${path}' leads back from one that does not exist`,
    );
  }
  await checkDirectory(policy, join(real, ...missing));
  const created: string[] = [];
  for (const name of missing) {
    real = join0(real, name);
    try {
      await mkdir(real, 0o755);
      created.push(real);
      await syncDirectory(dirname(real));
    } catch (error) {
      await removeDirectories(created);
      throw requestError(`make '${real}'`, error);
    }
  }
  return { real, created };
}

/** @throws RequestError when the path leads through something that is no directory. */
async function realDirectory(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) {
      return real;
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw requestError(`look for '${path}'`, error);
  }
  throw new RequestError(Status.fail, `'${path}' is not a directory`);
}

/** The place without symbolic links: one that leads to a file stands for the file. */
async function followLink(place: string, request: FcopyStart): Promise<string> {
  const found = await lstatOf(place);
  if (found === undefined || !found.isSymbolicLink()) {
    return place;
  }
  try {
    return await realpath(place);
  } catch (error) {
    if (!request.overWrite) {
      throw alreadyExists(place);
    }
    throw requestError(`follow '${place}'`, error);
  }
}

async function replaced(place: string, request: FcopyStart): Promise<Destination["replaces"]> {
  const found = await lstatOf(place);
  if (found === undefined) {
    return undefined;
  }
  if (!request.overWrite) {
    throw alreadyExists(place);
  }
  if (!found.isFile()) {
    throw new RequestError(Status.fail, `'${place}' is not a regular file`);
  }
  await checkWritable(place);
  return { mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
}

function alreadyExists(place: string): RequestError {
  return new RequestError(Status.alreadyExists, `'${place}' exists`);
}

/** An immutable file is refused now, not after all of its data have come. */
async function checkWritable(place: string): Promise<void> {
  try {
    const file = await open(
      place,
      constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    await file.close();
  } catch (error) {
    // ETXTBSY: a running program is replaced, not written to.
    if (!(error instanceof Error && "code" in error && error.code === "ETXTBSY")) {
      throw requestError(`replace '${place}'`, error);
    }
  }
}

async function lstatOf(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      return undefined;
    }
    throw requestError(`look for '${path}'`, error);
  }
}

/** Makes the names in a directory last. @throws what the kernel says. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A failure of the file system with its status: no space, or simply failed. */
export function requestError(act: string, error: unknown): RequestError {
  if (error instanceof RequestError) {
    return error;
  }
  const errno = errnoOf(error);
  const isFull = errno === ENOSPC || errno === EDQUOT;
  const reason = errno === undefined ? String(error) : errnoText(errno);
  return new RequestError(isFull ? Status.diskFull : Status.fail, `${act}: ${reason}`, {
    cause: error,
  });
}

/** The kernel's number in an error of the native module, or in one of Bun (where it is negative). */
function errnoOf(error: unknown): number | undefined {
  if (error instanceof Error && "errno" in error && typeof error.errno === "number") {
    return Math.abs(error.errno);
  }
  return undefined;
}
