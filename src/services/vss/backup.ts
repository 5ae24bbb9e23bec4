// One machine's backups, whoever asks for them: hooks, freeze, thaw, hooks.

import { constants } from "node:os";
import type { Log, Logger } from "../../log.ts";
import { RunError } from "../../platform/run-command.ts";
import { RequestError, Status } from "../../protocol/status.ts";
import type { FreezeState } from "../freeze-state.ts";
import { type FreezePlan, frozenFileSystems, type PassedOver } from "./freeze-plan.ts";
import { type Frozen, Freezer, FreezeError, type Thawed } from "./freezer.ts";
import { findHooks, HookError } from "./hook-files.ts";
import { RunningHooks } from "./hooks.ts";
import { type LastFreeze, lastFreezeText, writeLastFreeze } from "./last-freeze.ts";
import { frozenNow, thawPaths } from "./left-behind.ts";
import type { Planner } from "./planner.ts";
import type { VssFiles } from "./vss-files.ts";
import type { VssSettings } from "./vss-settings.ts";

const { ENOENT, ENOTDIR, ENXIO, ESTALE } = constants.errno;

export interface BackupParts {
  readonly planner: Planner;
  readonly files: VssFiles;
  readonly settings: () => VssSettings;
  readonly log: Log;
  /** Held while file systems are frozen. */
  readonly logger: Pick<Logger, "hold" | "release">;
  readonly freezeState: FreezeState;
  readonly by?: LastFreeze["by"];
  /** Starts what freezes; a {@link Freezer} unless it is given. @throws NativeError */
  readonly startFreezer?: (markerPath: string) => AnyFreezer;
}

type AnyFreezer = Pick<Freezer, "freeze" | "close">;

/** Errnos of an open(2) that say that a mount went after it had been planned. */
const vanished: readonly number[] = [ENOENT, ESTALE, ENOTDIR, ENXIO];
const planTries = 3;
/** A thaw takes milliseconds, unless a disk hangs; the kernel waits 30 s for its answer. */
const thawMilliseconds = 10_000;

type State =
  | { readonly phase: "idle" }
  /** `settled` resolves after the thaw to what was wrong with it. */
  | {
      readonly phase: "frozen";
      readonly frozen: Frozen;
      readonly plan: FreezePlan;
      readonly settled: Promise<string | undefined>;
    }
  /** Thawed without the host's asking: it has to hear of it. */
  | { readonly phase: "lost"; readonly reason: string };

/** Freezes and thaws, one backup after the other. */
export class Backup {
  readonly #parts: BackupParts;
  #freezer: AnyFreezer | undefined;
  #state: State = { phase: "idle" };
  /** Hooks after the last thaw, which may still run. */
  #afterwards: Promise<void> = Promise.resolve();
  #last: LastFreeze | undefined;

  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /** Starts the guard, once. @throws NativeError */
  prepare(): AnyFreezer {
    const { startFreezer = (path) => new Freezer(path), files } = this.#parts;
    this.#freezer ??= startFreezer(files.marker);
    return this.#freezer;
  }

  /** Resolves after the thaw, whoever asked for it; at once when nothing is frozen. */
  get thawed(): Promise<unknown> {
    return this.#state.phase === "frozen" ? this.#state.settled : Promise.resolve();
  }

  /**
   * Whether a backup could be made now, without freezing anything.
   * @throws RequestError with the reason why not
   */
  check(): void {
    if (this.#isFrozen()) {
      return;
    }
    const { planner, settings, files, log } = this.#parts;
    const plan = planner.plan();
    refuse(plan.refused);
    if (frozenNow(files.marker).length > 0) {
      throw new RequestError(Status.fail, "another process has frozen file systems");
    }
    try {
      findHooks(settings().hooks);
    } catch (error) {
      throw failure(error);
    }
    log.info(`can freeze ${listOf(pathsOf(plan))}`);
  }

  /**
   * Runs the hooks and freezes. Nothing when all is frozen already and stays so.
   * @throws RequestError when it fails: all is thawed again, and the hooks are told
   */
  async freeze(signal: AbortSignal): Promise<void> {
    if (this.#isFrozen()) {
      return;
    }
    this.#state = { phase: "idle" };
    await this.#afterwards;
    const { log, settings } = this.#parts;
    const { hooks: places, hook_seconds: seconds } = settings();
    const hooks = new RunningHooks({ places, seconds, log: log.area("hook") });
    const started = { at: new Date(), milliseconds: performance.now() };
    try {
      await hooks.before(signal);
      await this.#freezeAll(signal, hooks, started);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#record({
        at: started.at.toISOString(),
        result: "failed",
        reason,
        fileSystems: [],
        hooks: hooks.names,
      });
      this.#afterwards = hooks.after("failed");
      throw failure(error);
    }
  }

  /**
   * Thaws. Nothing when nothing is frozen.
   * @throws RequestError when the backup cannot be trusted: thawed before the host
   * asked, or not thawed
   */
  async thaw(): Promise<void> {
    const state = this.#state;
    if (state.phase === "idle") {
      return;
    }
    const fault = state.phase === "lost" ? state.reason : await this.#thawNow(state);
    if (this.#state.phase === "lost") {
      this.#state = { phase: "idle" };
    }
    if (fault !== undefined) {
      throw new RequestError(Status.fail, fault);
    }
  }

  /** Thaws because nobody will ask for it any more. */
  async abandon(reason: string): Promise<void> {
    const state = this.#state;
    if (state.phase === "frozen") {
      const { log } = this.#parts;
      log.warning(`${reason} while file systems are frozen, thawing`);
      const fault = await this.#thawNow(state);
      if (fault !== undefined) {
        log.error(fault);
      }
    }
    if (this.#state.phase === "lost") {
      this.#state = { phase: "idle" };
    }
  }

  /** Thaws, waits for the hooks and ends the guard. */
  async stop(): Promise<void> {
    await this.abandon("the agent is ending");
    await this.#afterwards;
    this.#freezer?.close();
    this.#freezer = undefined;
  }

  /** One line about now and the last freeze. */
  status(): string {
    if (this.#state.phase === "frozen") {
      return "file systems are frozen";
    }
    return this.#last === undefined ? "registered" : `last freeze ${lastFreezeText(this.#last)}`;
  }

  /**
   * Whether all is frozen and stays so.
   * @throws RequestError while a thaw is on its way: some of it may be thawed
   */
  #isFrozen(): boolean {
    if (this.#state.phase !== "frozen") {
      return false;
    }
    if (this.#state.frozen.thawAsked) {
      throw new RequestError(Status.fail, "the thaw of an earlier freeze is not done");
    }
    return true;
  }

  async #freezeAll(
    signal: AbortSignal,
    hooks: RunningHooks,
    started: { readonly at: Date; readonly milliseconds: number },
  ): Promise<void> {
    const { freezeState, logger, log } = this.#parts;
    const freezer = this.prepare();
    freezeState.freeze();
    logger.hold();
    try {
      const { plan, frozen } = await this.#freezePlanned(freezer, signal);
      const frozenAt = performance.now();
      const freezeSeconds = (frozenAt - started.milliseconds) / 1000;
      log.info(`frozen after ${freezeSeconds.toFixed(3)} s`);
      for (const path of frozen.passedOver) {
        log.warning(`'${path}' was frozen by somebody else, leaving it to them`);
      }
      const settled = frozen.thawed.then((outcome) => {
        const frozenSeconds = (performance.now() - frozenAt) / 1000;
        freezeState.thaw();
        const fault = this.#faultOf(outcome);
        this.#state = outcome.expired ? { phase: "lost", reason: fault ?? "" } : { phase: "idle" };
        // The host's answer goes first.
        this.#afterwards = turnOfTheLoop().then(() => {
          const fileSystems = pathsOf(plan);
          logger.release();
          log.notice(`froze ${listOf(fileSystems)} for ${frozenSeconds.toFixed(3)} s`);
          if (outcome.expired && fault !== undefined) {
            log.error(fault);
          }
          this.#record({
            at: started.at.toISOString(),
            result: outcome.expired ? "expired" : fault === undefined ? "thawed" : "failed",
            ...(fault === undefined ? {} : { reason: fault }),
            freezeSeconds,
            frozenSeconds,
            fileSystems,
            hooks: hooks.names,
          });
          return hooks.after("thawed");
        });
        return fault;
      });
      this.#state = { phase: "frozen", frozen, plan, settled };
    } catch (error) {
      freezeState.thaw();
      logger.release();
      throw error;
    }
  }

  async #freezePlanned(
    freezer: AnyFreezer,
    signal: AbortSignal,
  ): Promise<{ readonly plan: FreezePlan; readonly frozen: Frozen }> {
    const { planner, settings } = this.#parts;
    const { deadline_seconds: deadlineSeconds, already_frozen: alreadyFrozen } = settings();
    for (let tries = 1; ; tries += 1) {
      const plan = tries === 1 ? planner.current() : planner.plan();
      refuse(plan.refused);
      try {
        const passOverFrozen = alreadyFrozen === "ignore";
        const frozen = await freezer.freeze(plan, { deadlineSeconds, passOverFrozen, signal });
        return { plan, frozen };
      } catch (error) {
        const isStale =
          error instanceof FreezeError && error.act === "open" && vanished.includes(error.errno);
        if (!isStale || tries === planTries) {
          throw error;
        }
      }
    }
  }

  /** Asks for the thaw and waits for it; what was wrong with it. */
  async #thawNow(state: Extract<State, { phase: "frozen" }>): Promise<string | undefined> {
    state.frozen.thaw();
    const late = Promise.withResolvers<string>();
    const timer = setTimeout(() => {
      this.#parts.logger.release();
      // A disk hangs: each of the others in a thread of its own. What becomes of it, the
      // guard tells.
      // Without threads there is nothing more to be done.
      thawPaths(pathsOf(state.plan)).catch(() => undefined);
      late.resolve(`not all is thawed after ${thawMilliseconds / 1000} s`);
    }, thawMilliseconds);
    try {
      return await Promise.race([state.settled, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #faultOf({ expired, lost, failures }: Thawed): string | undefined {
    const seconds = this.#parts.settings().deadline_seconds;
    const faults = [
      ...(expired ? [`thawed after ${seconds} s: nobody had asked for it`] : []),
      ...(lost.length > 0 ? [`somebody else has thawed ${lost.join(", ")}`] : []),
      ...failures,
    ];
    return faults.length > 0 ? faults.join("; ") : undefined;
  }

  #record(last: Omit<LastFreeze, "by">): void {
    const { files, log, by = "host" } = this.#parts;
    this.#last = { ...last, by };
    try {
      writeLastFreeze(files.lastFreeze, this.#last);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warning(`record the freeze in '${files.lastFreeze}': ${reason}, ignoring`);
    }
  }
}

/** Resolves after everything that is due now, such as the answer to a request. */
function turnOfTheLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function refuse(refused: readonly PassedOver[]): void {
  if (refused.length > 0) {
    const reasons = refused.map(({ fileSystem, reason }) => {
      return `'${fileSystem.mount.mountPoint}': ${reason}`;
    });
    throw new RequestError(
      Status.fail,
      `${reasons.join("; ")}; exclude it in [vss] to back up without it`,
    );
  }
}

/** Any failure as an answer to the host. */
function failure(error: unknown): unknown {
  return error instanceof FreezeError || error instanceof HookError || error instanceof RunError
    ? new RequestError(Status.fail, error.message, { cause: error })
    : error;
}

function pathsOf(plan: FreezePlan): readonly string[] {
  return frozenFileSystems(plan).map(({ mount }) => mount.mountPoint);
}

function listOf(paths: readonly string[]): string {
  return paths.length === 0 ? "nothing" : paths.join(", ");
}
