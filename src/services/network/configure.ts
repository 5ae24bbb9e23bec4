// Gives an interface a configuration: finds who manages it, plans, applies, and
// looks whether the kernel has it.

import { closeSync, mkdirSync, openSync } from "node:fs";
import { native } from "../../native/binding.ts";
import { callNative } from "../../native/native-error.ts";
import { dhcpState } from "../../platform/dhcp-state.ts";
import { type NetworkInterface, networkInterfaces } from "../../platform/network.ts";
import type { Paths } from "../../platform/paths.ts";
import { ApplyError, applyPlan, rollBack } from "./apply-plan.ts";
import type { IpConfiguration } from "./ip-configuration.ts";
import { type IpRequest, parseRequest } from "./ip-request.ts";
import { thisMachine } from "./machine.ts";
import { PlanError, type Target } from "./manager.ts";
import { managerOf } from "./managers/all.ts";
import type { NetworkSource } from "./network-source.ts";
import { latePlan, type ManagerName, type Plan } from "./plan.ts";
import { shortcomings } from "./shortcomings.ts";
import { readJournal } from "./undo-journal.ts";

/** How long an attempt may take when nobody waits for it with a clock. */
const unhurriedSeconds = 60;
const undoSeconds = 7;

/** How long an interface that is up may be without a carrier while it is set up anew. */
const carrierSeconds = 3;

const lookMilliseconds = 100;

export interface ConfigureOptions {
  readonly paths: Pick<Paths, "root" | "run" | "sys" | "proc">;
  readonly manager: ManagerName | "auto";
  readonly source: NetworkSource;
  /** Within this all must be done, or be taken back; a minute for an attempt by default. */
  readonly patienceSeconds?: number;
}

export interface Configured {
  readonly interfaceName: string;
  readonly manager: ManagerName;
  readonly outcome: "in force" | "waits for a carrier" | "waits for its manager" | "unchanged";
}

/** What would be done. @throws PlanError; RequestError for a request that cannot be */
export async function planFor(
  subject: NetworkInterface,
  request: IpRequest,
  { paths, manager: choice }: ConfigureOptions,
): Promise<Plan> {
  const machine = thisMachine(paths.root);
  const configuration = parseRequest(request);
  const target = targetOf(subject);
  const { manager, isLate } = await managerOf(target, choice, machine, true);
  const plan = await manager.plan({ target, request, configuration }, machine);
  return isLate ? latePlan(plan) : plan;
}

/**
 * Does it, or takes it back.
 * @throws RequestError for a request that cannot be; PlanError when nobody can do
 * it; ApplyError when it failed; the reason of `signal`
 */
export async function configure(
  subject: NetworkInterface,
  request: IpRequest,
  options: ConfigureOptions,
  signal: AbortSignal,
): Promise<Configured> {
  const { paths } = options;
  const configuration = parseRequest(request);
  const attemptSeconds = Math.max(
    1,
    (options.patienceSeconds ?? unhurriedSeconds + undoSeconds) - undoSeconds,
  );
  const attempt = AbortSignal.any([signal, AbortSignal.timeout(attemptSeconds * 1000)]);
  using _lock = lock(paths.run);
  await takeBackHalfDone(paths.root);
  const plan = await planFor(subject, request, options);
  const { manager, interfaceName } = plan;
  const isInForce = () => wants(subject.index, configuration, options).length === 0;
  if (plan.isVerified && isPresent(plan, paths.root) && isInForce()) {
    return { interfaceName, manager, outcome: "unchanged" };
  }
  const outcome = await applyPlan(plan, {
    root: paths.root,
    signal: attempt,
    undoSeconds,
    verify: async (stop) => {
      if (plan.isVerified) {
        await untilInForce(subject.index, configuration, options, stop, attemptSeconds * 0.75);
      }
    },
    waitsForCarrier: () => plan.isVerified && waitsForCarrier(interfaceOf(subject.index, options)),
  });
  return { interfaceName, manager, outcome: plan.isLate ? "waits for its manager" : outcome };
}

export interface Undone {
  readonly interfaceName: string;
  readonly manager: string;
  /** What the manager had against it: empty, or ", but …". */
  readonly complaints: string;
}

/**
 * Takes the last change of {@link configure} back.
 * @returns undefined when there is nothing to take back
 * @throws ApplyError when files could not be put back
 */
export async function undoLast(paths: ConfigureOptions["paths"]): Promise<Undone | undefined> {
  using _lock = lock(paths.run);
  const undone = await rollBack(paths.root, unhurriedSeconds);
  return undone && { ...undone.journal, complaints: undone.complaints };
}

/** Whether a crash left a change half done, or somebody is at one now. */
export function isHalfDone(root: string): boolean {
  return readJournal(root)?.state === "applying";
}

/**
 * Takes back what a crash left half done.
 * @returns the interface's name; undefined when nothing was
 * @throws PlanError when somebody is at it now; ApplyError
 */
export async function recover(paths: ConfigureOptions["paths"]): Promise<string | undefined> {
  using _lock = lock(paths.run);
  return await takeBackHalfDone(paths.root);
}

async function takeBackHalfDone(root: string): Promise<string | undefined> {
  const undone = await rollBack(root, undoSeconds, ({ state }) => state === "applying");
  return undone?.journal.interfaceName;
}

/** @throws PlanError when somebody has it */
function lock(run: string): Disposable {
  mkdirSync(run, { recursive: true });
  const fd = openSync(`${run}/network.lock`, "a", 0o600);
  if (!callNative(() => native().lockFile(fd, true, 0))) {
    closeSync(fd);
    throw new PlanError("the network is being configured by somebody else");
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}

function targetOf({ name, index, mac }: NetworkInterface): Target {
  return { name, index, mac };
}

function isPresent(plan: Plan, root: string): boolean {
  const { read } = thisMachine(root);
  return plan.files.every(({ path, text }) => read(path) === text);
}

function interfaceOf(
  index: number,
  { source, paths }: ConfigureOptions,
): NetworkInterface | undefined {
  return networkInterfaces(source.read(), paths.sys).find((one) => one.index === index);
}

function wants(index: number, configuration: IpConfiguration, options: ConfigureOptions): string[] {
  const subject = interfaceOf(index, options);
  return subject === undefined
    ? ["the interface has gone"]
    : shortcomings(subject, configuration, dhcpState(subject, options.paths).ipv4);
}

function waitsForCarrier(subject: NetworkInterface | undefined): boolean {
  return subject !== undefined && subject.isUp && !subject.hasCarrier;
}

/** Looks until it is so: managers finish after their commands do. */
async function untilInForce(
  index: number,
  configuration: IpConfiguration,
  options: ConfigureOptions,
  signal: AbortSignal,
  seconds: number,
): Promise<void> {
  const start = performance.now();
  let carrier = start;
  for (;;) {
    const wanted = wants(index, configuration, options);
    if (wanted.length === 0) {
      return;
    }
    const now = performance.now();
    carrier = waitsForCarrier(interfaceOf(index, options)) ? carrier : now;
    if (now - start > seconds * 1000 || now - carrier > carrierSeconds * 1000) {
      throw new ApplyError(wanted.join(", "));
    }
    signal.throwIfAborted();
    await Bun.sleep(lookMilliseconds);
  }
}
