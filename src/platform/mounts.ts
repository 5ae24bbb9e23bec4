// The mounts of a process: /proc/self/mountinfo (proc_pid_mountinfo(5)).

import { readFileSync } from "node:fs";
import { textOfName } from "./file-name.ts";

/** One line of mountinfo. */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** `8:1`: the same for all mounts of one file system, subvolumes too. */
  readonly device: string;
  /** What of the file system is mounted: `/`, or the directory of a bind mount. */
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  /** What was mounted: `/dev/sda1`, `pool/data`, `tmpfs`. */
  readonly source: string;
  /** Options of the file system, not of this mount of it. */
  readonly fileSystemOptions: readonly string[];
}

/** The text of mountinfo of a process, `/proc/PID`; its names are any bytes. */
export function mountinfoOf(process: string): string {
  return textOfName(readFileSync(`${process}/mountinfo`));
}

/** The mounts that a process has. @throws Error when it has ended */
export function readMounts(process: string): Mount[] {
  return parseMounts(mountinfoOf(process));
}

/** The mounts that a text in the format of mountinfo lists; other lines are passed over. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split("\n").flatMap((line) => {
    // Optional fields end with a lone hyphen.
    const [before = "", after = ""] = splitOnce(line, " - ");
    const [id, parentId, device, root, mountPoint] = before.split(" ");
    const [type, source, options] = after.split(" ");
    if (mountPoint === undefined || options === undefined) {
      return [];
    }
    return [
      {
        id: Number(id),
        parentId: Number(parentId),
        device: device ?? "",
        root: unescape(root ?? ""),
        mountPoint: unescape(mountPoint),
        type: type ?? "",
        source: unescape(source ?? ""),
        fileSystemOptions: options.split(","),
      },
    ];
  });
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** `\040` and the like stand for space, tab, newline and backslash; bytes stay as they are. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Finds mounts by path, as the kernel does. */
export class MountTree {
  readonly #children = new Map<string, Mount>();
  readonly #root: Mount | undefined;

  constructor(mounts: readonly Mount[]) {
    for (const mount of mounts) {
      this.#children.set(`${mount.parentId} ${mount.mountPoint}`, mount);
    }
    const ids = new Set(mounts.map(({ id }) => id));
    this.#root = mounts.find(
      ({ mountPoint, parentId, id }) =>
        mountPoint === "/" && (!ids.has(parentId) || parentId === id),
    );
  }

  /** The mount on which `path` lies; symbolic links are not followed. */
  at(path: string): Mount | undefined {
    let mount = this.#root === undefined ? undefined : this.#topmost(this.#root, "/");
    for (let end = path.indexOf("/", 1); mount !== undefined && path !== "/"; ) {
      mount = this.#topmost(mount, end < 0 ? path : path.slice(0, end));
      if (end < 0) {
        break;
      }
      end = path.indexOf("/", end + 1);
    }
    return mount;
  }

  /** Whether nothing is mounted over the mount. */
  isVisible(mount: Mount): boolean {
    return this.at(mount.mountPoint) === mount;
  }

  #topmost(from: Mount, path: string): Mount {
    let mount = from;
    for (;;) {
      const above = this.#children.get(`${mount.id} ${path}`);
      if (above === undefined || above === mount) {
        return mount;
      }
      mount = above;
    }
  }
}
