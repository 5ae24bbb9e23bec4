// What a backup freezes, in which order, and what not.

import { type Mount, MountTree } from "../../platform/mounts.ts";
import { mayLieAnywhere, type Verdict, verdictOf } from "./freeze-rules.ts";

/** A file system: all mounts of one superblock. */
export interface FileSystem {
  /** The mount through which it is frozen. */
  readonly mount: Mount;
  /** Where it is mounted, bind mounts and subvolumes too. */
  readonly mountPoints: readonly string[];
}

export interface PassedOver {
  readonly fileSystem: FileSystem;
  readonly reason: string;
}

export interface FreezePlan {
  /** Frozen one step after the other, the file systems of a step side by side. */
  readonly steps: readonly (readonly FileSystem[])[];
  readonly skipped: readonly PassedOver[];
  /** While there is one, no backup is consistent. */
  readonly refused: readonly PassedOver[];
}

export interface PlanOptions {
  /** Whether the configuration names a mount point (see vss-settings.ts). */
  readonly isIncluded: (mountPoint: string) => boolean;
  readonly isExcluded: (mountPoint: string) => boolean;
  /** The files in which a file system lies (platform/block-stack.ts). */
  readonly backingFiles: (mount: Mount) => readonly string[];
}

/**
 * Inner before outer: freezing a file system writes to its disk, which must not be
 * a file on a frozen one. The root comes last, as with the C daemon.
 */
export function planFreeze(mounts: readonly Mount[], options: PlanOptions): FreezePlan {
  const tree = new MountTree(mounts);
  const freezing: FileSystem[] = [];
  const skipped: PassedOver[] = [];
  const refused: PassedOver[] = [];
  for (const fileSystem of fileSystemsOf(mounts, tree)) {
    const verdict = verdictFor(fileSystem, tree, options);
    switch (verdict.kind) {
      case "freeze":
        freezing.push(fileSystem);
        break;
      case "skip":
        skipped.push({ fileSystem, reason: verdict.reason });
        break;
      case "refuse":
        refused.push({ fileSystem, reason: verdict.reason });
        break;
    }
  }
  return { steps: stepsOf(freezing, tree, options.backingFiles), skipped, refused };
}

/** The file systems of a plan in the order of their freezing. */
export function frozenFileSystems(plan: FreezePlan): readonly FileSystem[] {
  return plan.steps.flat();
}

function fileSystemsOf(mounts: readonly Mount[], tree: MountTree): readonly FileSystem[] {
  const byDevice = Map.groupBy(mounts, ({ device }) => device);
  return [...byDevice.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) {
      return [];
    }
    const visible = all.filter((mount) => tree.isVisible(mount));
    const whole = visible.filter(({ root }) => root === "/");
    const candidates = whole.length > 0 ? whole : visible;
    return [
      {
        mount: candidates.toSorted(byLength)[0] ?? first,
        mountPoints: all.map(({ mountPoint }) => mountPoint),
      },
    ];
  });
}

function byLength(a: Mount, b: Mount): number {
  return a.mountPoint.length - b.mountPoint.length;
}

function verdictFor(fileSystem: FileSystem, tree: MountTree, options: PlanOptions): Verdict {
  const verdict = verdictOf(fileSystem.mount);
  if (verdict.kind === "skip") {
    return verdict;
  }
  if (fileSystem.mountPoints.some(options.isExcluded)) {
    return { kind: "skip", reason: "excluded by the configuration" };
  }
  if (!fileSystem.mountPoints.some(options.isIncluded)) {
    return { kind: "skip", reason: "not included by the configuration" };
  }
  if (verdict.kind === "freeze" && !tree.isVisible(fileSystem.mount)) {
    return { kind: "skip", reason: "hidden below another mount" };
  }
  return verdict;
}

function stepsOf(
  fileSystems: readonly FileSystem[],
  tree: MountTree,
  backingFiles: PlanOptions["backingFiles"],
): FileSystem[][] {
  const byDevice = new Map(fileSystems.map((each) => [each.mount.device, each]));
  const outers = new Map(
    fileSystems.map((inner) => [
      inner,
      backingFiles(inner.mount).flatMap((file) => {
        const mount = tree.at(file);
        const outer = byDevice.get(mount?.device ?? "");
        const isOpaque = mount === undefined || mayLieAnywhere(mount);
        return outer === inner || (outer === undefined && !isOpaque) ? [] : [outer];
      }),
    ]),
  );
  const levels = new Map<FileSystem, number>();
  /**
   * 0 on a disk, 1 in a file of such a file system, and so on. A file on an overlay,
   * FUSE and the like may lie on any of the others in the end: above all of them.
   */
  const levelOf = (fileSystem: FileSystem | undefined): number => {
    if (fileSystem === undefined) {
      return fileSystems.length;
    }
    const known = levels.get(fileSystem);
    if (known !== undefined) {
      return known;
    }
    // Ends a circle, which a broken sysfs could show.
    levels.set(fileSystem, 0);
    const level = Math.max(-1, ...(outers.get(fileSystem) ?? []).map(levelOf)) + 1;
    levels.set(fileSystem, level);
    return level;
  };
  const isLast = (fileSystem: FileSystem) =>
    fileSystem.mount.mountPoint === "/" && levelOf(fileSystem) === 0;
  const byLevel = Map.groupBy(fileSystems, (each) => (isLast(each) ? -1 : levelOf(each)));
  return [...byLevel].toSorted(([a], [b]) => b - a).map(([, members]) => members);
}
