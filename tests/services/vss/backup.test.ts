import { expect, test } from "bun:test";
import { pathsFrom } from "../../../src/platform/paths.ts";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { FreezeState } from "../../../src/services/freeze-state.ts";
import { Backup } from "../../../src/services/vss/backup.ts";
import { Freezer, type Frozen, type Thawed } from "../../../src/services/vss/freezer.ts";
import { Planner } from "../../../src/services/vss/planner.ts";
import { vssFiles } from "../../../src/services/vss/vss-files.ts";
import type { VssSettings } from "../../../src/services/vss/vss-settings.ts";
import { recordedLog } from "../../support/recorded-log.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

const never = new AbortController().signal;
const nothingWrong: Thawed = { expired: false, lost: [], failures: [] };
const settings: VssSettings = {
  enabled: true,
  include: ["**"],
  exclude: [],
  deadline_seconds: 120,
  already_frozen: "fail",
  hooks: [],
  hook_seconds: 60,
};

/** A freeze of a machine whose disk does not answer the thaw before {@link answer}. */
class SlowFreeze implements Frozen {
  readonly passedOver = [];
  thawAsked = false;
  readonly #thawed = Promise.withResolvers<Thawed>();
  readonly thawed = this.#thawed.promise;

  thaw(): void {
    this.thawAsked = true;
  }

  answer(outcome: Thawed = nothingWrong): void {
    this.#thawed.resolve(outcome);
  }
}

/** A backup, and the freezes that it has begun. */
function slowMachine(): { backup: Backup; freezes: readonly SlowFreeze[] } {
  const root = temporaryRoot({
    "proc/self/mountinfo": "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
  });
  const paths = pathsFrom({ HVGUEST_KERNEL_ROOT: root }, root);
  const freezes: SlowFreeze[] = [];
  const [log] = recordedLog("vss");
  const backup = new Backup({
    planner: new Planner(paths, () => settings),
    files: vssFiles(paths),
    settings: () => settings,
    log,
    logger: { hold: () => undefined, release: () => undefined },
    freezeState: new FreezeState(),
    startFreezer: () => ({
      freeze: () => {
        const freeze = new SlowFreeze();
        freezes.push(freeze);
        return Promise.resolve(freeze);
      },
      close: () => undefined,
    }),
  });
  return { backup, freezes };
}

/** The status that the host gets. */
async function statusOf(act: () => void | Promise<void>): Promise<number> {
  try {
    await act();
    return Status.ok;
  } catch (error) {
    if (error instanceof RequestError) {
      return error.status;
    }
    throw error;
  }
}

test("a check and a freeze of what is frozen are done, without a second freeze", async () => {
  const { backup, freezes } = slowMachine();
  await backup.freeze(never);
  expect(await statusOf(() => backup.check())).toBe(Status.ok);
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.ok);
  expect(freezes).toHaveLength(1);
});

test("while the host's thaw hangs, checks and freezes fail, and after it they do not", async () => {
  const { backup, freezes } = slowMachine();
  await backup.freeze(never);
  const thaw = backup.thaw();
  expect(await statusOf(() => backup.check())).toBe(Status.fail);
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.fail);
  freezes[0]?.answer();
  await thaw;
  expect(await statusOf(() => backup.check())).toBe(Status.ok);
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.ok);
  expect(freezes).toHaveLength(2);
});

test("while the thaw after the end of a channel hangs, checks and freezes fail", async () => {
  const { backup, freezes } = slowMachine();
  await backup.freeze(never);
  const abandoned = backup.abandon("the channel to the host has ended");
  expect(await statusOf(() => backup.check())).toBe(Status.fail);
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.fail);
  freezes[0]?.answer();
  await abandoned;
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.ok);
});

test("while the thaw of the deadline hangs, checks and freezes fail, and then the host's thaw", async () => {
  const { backup, freezes } = slowMachine();
  await backup.freeze(never);
  // As a freezer does when nobody has asked for the thaw in time.
  freezes[0]?.thaw();
  expect(await statusOf(() => backup.check())).toBe(Status.fail);
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.fail);
  freezes[0]?.answer({ ...nothingWrong, expired: true });
  await backup.thawed;
  expect(await statusOf(() => backup.thaw())).toBe(Status.fail);
  expect(await statusOf(() => backup.freeze(never))).toBe(Status.ok);
});

test("a freeze tells that its thaw was asked for, by us or by the deadline", async () => {
  const marker = `${temporaryRoot()}/vss-frozen`;
  // Of no file system, on any machine.
  const plan = { steps: [], skipped: [], refused: [] };
  const freezer = new Freezer(marker);
  const limits = { deadlineSeconds: 60, passOverFrozen: false, signal: never };
  const asked = await freezer.freeze(plan, limits);
  expect(asked.thawAsked).toBe(false);
  asked.thaw();
  expect(asked.thawAsked).toBe(true);
  expect(await asked.thawed).toEqual(nothingWrong);
  const late = await freezer.freeze(plan, { ...limits, deadlineSeconds: 0.05 });
  expect(await late.thawed).toEqual({ ...nothingWrong, expired: true });
  expect(late.thawAsked).toBe(true);
  freezer.close();
});
