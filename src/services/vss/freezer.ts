// Freezes and thaws through the native module, with the guard process beside us.

import { mkdirSync } from "node:fs";
import { constants } from "node:os";
import { dirname } from "node:path";
import { type NativeFreezeEvent, type NativeFreezeGuard, native } from "../../native/binding.ts";
import { callNative, errnoText } from "../../native/native-error.ts";
import type { FileSystem, FreezePlan } from "./freeze-plan.ts";

const { EAGAIN, EBUSY, ECANCELED, ETIMEDOUT } = constants.errno;

export interface FreezeLimits {
  /** Nothing stays frozen longer, counted from the first freeze. */
  readonly deadlineSeconds: number;
  /** Passes over file systems that somebody else has frozen, instead of failing. */
  readonly passOverFrozen: boolean;
  /** Ends a freeze that is going on. */
  readonly signal: AbortSignal;
}

/** The file systems could not all be frozen; they are all thawed again. */
export class FreezeError extends Error {
  override readonly name = "FreezeError";
  /** The errno of the call that failed. */
  readonly errno: number;
  readonly act: string;

  constructor(message: string, act: string, errno: number) {
    super(message);
    this.act = act;
    this.errno = errno;
  }
}

/** How a freeze has ended. */
export interface Thawed {
  /** The deadline has passed before anybody asked for the thaw. */
  readonly expired: boolean;
  /** What was no longer frozen: somebody else has thawed it. */
  readonly lost: readonly string[];
  /** What could not be thawed, one line each. */
  readonly failures: readonly string[];
}

/** File systems that are frozen now. */
export interface Frozen {
  /** Left out, because somebody else has frozen them. */
  readonly passedOver: readonly string[];
  /** Resolves after the thaw, whoever asked for it: {@link thaw} or the deadline. */
  readonly thawed: Promise<Thawed>;
  /** Whether the thaw was asked for, or the deadline has passed: it has begun, if not ended. */
  readonly thawAsked: boolean;
  /** Asks for the thaw, without waiting. */
  thaw(): void;
}

/** The guard thaws this much after us: it is there for when we cannot. */
const guardDelayMilliseconds = 2000;

/**
 * A freeze that has not ended so long after its deadline waits for a disk that hangs.
 * The guard has thawed the others meanwhile.
 */
const hangingMilliseconds = 10_000;

/** The guard process, and freezes with it, one at a time. */
export class Freezer {
  readonly #markerPath: string;
  readonly #guard: NativeFreezeGuard;

  /**
   * Starts the guard.
   * @throws NativeError when no process can be had
   */
  constructor(markerPath: string) {
    this.#markerPath = markerPath;
    this.#guard = callNative(() => new (native().FreezeGuard)());
  }

  /** Ends the guard. */
  close(): void {
    this.#guard.close();
  }

  /**
   * Resolves when all is frozen. Nothing here runs on the JavaScript thread. Where a
   * disk hangs it fails after the deadline; the freeze that hangs is undone when its
   * disk goes on, and another one fails until then.
   * @throws FreezeError
   */
  freeze(plan: FreezePlan, limits: FreezeLimits): Promise<Frozen> {
    const frozen = Promise.withResolvers<Frozen>();
    const thawed = Promise.withResolvers<Thawed>();
    let expired = false;
    let thawAsked = false;
    const onEvent = (event: NativeFreezeEvent) => {
      limits.signal.removeEventListener("abort", thaw);
      if (event.kind === "frozen") {
        frozen.resolve({
          passedOver: event.passedOver,
          thawed: thawed.promise,
          get thawAsked() {
            return thawAsked;
          },
          thaw,
        });
        return;
      }
      clearTimeout(deadline);
      if (event.kind === "refused") {
        frozen.reject(refusal(event, expired));
      } else {
        thawed.resolve(outcome(event, expired));
      }
    };
    const deadlineMilliseconds = limits.deadlineSeconds * 1000;
    mkdirSync(dirname(this.#markerPath), { recursive: true });
    const freeze = callNative(
      () =>
        new (native().Freeze)(
          this.#guard,
          {
            steps: plan.steps.map((step) => step.map(target)),
            deadlineMilliseconds: deadlineMilliseconds + guardDelayMilliseconds,
            markerPath: this.#markerPath,
            markerText: markerText(plan.steps.flat().map(({ mount }) => mount.mountPoint)),
            passOverFrozen: limits.passOverFrozen,
          },
          onEvent,
        ),
    );
    const thaw = () => {
      thawAsked = true;
      freeze.thaw();
    };
    const hangs = () => {
      limits.signal.removeEventListener("abort", thaw);
      const text = "the deadline passed while freezing, and a disk does not answer";
      frozen.reject(new FreezeError(text, "deadline", ETIMEDOUT));
    };
    let deadline = setTimeout(() => {
      expired = true;
      thaw();
      deadline = setTimeout(hangs, hangingMilliseconds);
    }, deadlineMilliseconds);
    limits.signal.addEventListener("abort", thaw, { once: true });
    if (limits.signal.aborted) {
      thaw();
    }
    return frozen.promise;
  }
}

function target({ mount }: FileSystem) {
  return { path: mount.mountPoint, mountId: mount.id };
}

/** What is frozen, for whoever has to thaw it: one mount point a line, as JSON texts. */
export function markerText(mountPoints: readonly string[]): string {
  return mountPoints.map((path) => `${JSON.stringify(path)}\n`).join("");
}

/** The mount points of a marker; lines that are none are passed over. */
export function parseMarker(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    try {
      const path: unknown = JSON.parse(line);
      return typeof path === "string" && path.startsWith("/") ? [path] : [];
    } catch {
      // A line that was cut: the agent died while it wrote, before the first freeze.
      return [];
    }
  });
}

function refusal(event: NativeFreezeEvent, expired: boolean): FreezeError {
  const [reason, ...others] = event.failures;
  const { act, path, errno } = reason ?? { act: "freeze", path: "", errno: 0 };
  const text = expired ? "the deadline passed while freezing" : refusalText(act, path, errno);
  return new FreezeError([text, ...others.map(failureText)].join("; "), act, errno);
}

function refusalText(act: string, path: string, errno: number): string {
  switch (act) {
    case "mark":
      return errno === EAGAIN
        ? "another process has frozen file systems"
        : `mark the freeze in '${path}': ${errnoText(errno)}`;
    case "guard":
      return `prepare the guard process: ${errnoText(errno)}`;
    case "deadline":
      return "the deadline passed while freezing";
    default:
      if (errno === ECANCELED) {
        return "the freeze was cancelled";
      }
      return errno === EBUSY
        ? `freeze '${path}': somebody else has frozen it`
        : `${act} '${path}': ${errnoText(errno)}`;
  }
}

function outcome(event: NativeFreezeEvent, expired: boolean): Thawed {
  return {
    expired: expired || event.expired,
    lost: expired || event.expired ? [] : event.lost,
    failures: event.failures.map(failureText),
  };
}

function failureText({ act, path, errno }: NativeFreezeEvent["failures"][number]): string {
  return `${act} '${path}': ${errnoText(errno)}`;
}
