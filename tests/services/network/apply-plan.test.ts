import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from "node:fs";
import {
  applyPlan,
  type ApplyOptions,
  rollBack,
} from "../../../src/services/network/apply-plan.ts";
import type { Plan, Step } from "../../../src/services/network/plan.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

/** A step that writes its name and whether the new file is there into `log`. */
const step = (root: string, name: string): Step => ({
  program: "/bin/sh",
  args: ["-c", `echo "${name} $(cat '${root}/etc/a' 2>/dev/null)" >>'${root}/log'`],
});

const failing: Step = { program: "/bin/sh", args: ["-c", "echo broken >&2; exit 1"] };

function planIn(root: string, rest: Partial<Plan> = {}): Plan {
  return {
    manager: "ifupdown",
    interfaceName: "eth0",
    before: [step(root, "before")],
    files: [
      { path: "/etc/a", text: "new" },
      { path: "/etc/secret", text: "new secret", mode: 0o600 },
      { path: "/etc/gone", text: undefined },
    ],
    activate: [step(root, "activate")],
    reactivate: [step(root, "reactivate")],
    isVerified: true,
    ...rest,
  };
}

function oldMachine(): string {
  const root = temporaryRoot({ "etc/a": "old", "etc/gone": "was here" });
  chmodSync(`${root}/etc/a`, 0o640);
  return root;
}

const options = (root: string, rest: Partial<ApplyOptions> = {}): ApplyOptions => ({
  root,
  signal: new AbortController().signal,
  undoSeconds: 60,
  verify: () => Promise.resolve(),
  waitsForCarrier: () => false,
  ...rest,
});

const read = (root: string, path: string) => readFileSync(`${root}/${path}`, "utf8");
const log = (root: string) => read(root, "log").trim().split("\n");

function expectOld(root: string): void {
  expect(read(root, "etc/a")).toBe("old");
  expect(statSync(`${root}/etc/a`).mode & 0o7777).toBe(0o640);
  expect(read(root, "etc/gone")).toBe("was here");
  expect(existsSync(`${root}/etc/secret`)).toBe(false);
}

test("steps and files follow each other, and modes are what they should be", async () => {
  const root = oldMachine();
  expect(await applyPlan(planIn(root), options(root))).toBe("in force");
  expect(log(root)).toEqual(["before old", "activate new"]);
  expect(statSync(`${root}/etc/a`).mode & 0o7777).toBe(0o640);
  expect(statSync(`${root}/etc/secret`).mode & 0o7777).toBe(0o600);
  expect(existsSync(`${root}/etc/gone`)).toBe(false);
});

test("what was applied can be taken back once, also a link and what was removed", async () => {
  const root = oldMachine();
  symlinkSync("a", `${root}/etc/link`);
  const plan = planIn(root);
  await applyPlan(
    { ...plan, files: [...plan.files, { path: "/etc/link", text: "a file" }] },
    options(root),
  );
  expect(statSync(`${root}/etc/link`).isFile()).toBe(true);
  expect(await rollBack(root, 60)).toMatchObject({
    journal: { interfaceName: "eth0", state: "applied" },
    complaints: "",
  });
  expectOld(root);
  expect(read(root, "etc/link")).toBe("old");
  expect(log(root).slice(2)).toEqual(["before new", "reactivate old"]);
  expect(await rollBack(root, 60)).toBeUndefined();
});

test("a step that fails takes everything back", async () => {
  const root = oldMachine();
  const applying = applyPlan(planIn(root, { activate: [failing] }), options(root));
  await expect(applying).rejects.toThrow("run '/bin/sh': status 1: broken; taken back");
  expectOld(root);
  expect(await rollBack(root, 60)).toBeUndefined();
});

test("a verification that fails takes everything back", async () => {
  const root = oldMachine();
  const verify = () => Promise.reject(new Error("10.0.0.5/24 is missing"));
  const applying = applyPlan(planIn(root), options(root, { verify }));
  await expect(applying).rejects.toThrow("10.0.0.5/24 is missing; taken back");
  expectOld(root);
});

test("a step that may fail does not matter", async () => {
  const root = oldMachine();
  const before = [{ ...failing, mayFail: true }];
  expect(await applyPlan(planIn(root, { before }), options(root))).toBe("in force");
});

test("a step that hangs is killed at the deadline, and everything is taken back", async () => {
  const root = oldMachine();
  const activate = [{ program: "/bin/sleep", args: ["1000"] }];
  const signal = AbortSignal.timeout(100);
  await expect(applyPlan(planIn(root, { activate }), options(root, { signal }))).rejects.toThrow(
    "taken back",
  );
  expectOld(root);
});

test("what goes on of a step that failed is ended first, and not when it is applied", async () => {
  const root = oldMachine();
  const plan = planIn(root, { abandon: [step(root, "abandon")] });
  const failed = { ...plan, activate: [failing] };
  await expect(applyPlan(failed, options(root))).rejects.toThrow("taken back");
  expect(log(root)).toEqual(["before old", "abandon new", "before new", "reactivate old"]);
  await applyPlan(plan, options(root));
  await rollBack(root, 60);
  expect(log(root).slice(4)).toEqual([
    "before old",
    "activate new",
    "before new",
    "reactivate old",
  ]);
});

test("a step that hangs while everything is taken back does not keep the manager from coming back", async () => {
  const root = oldMachine();
  const script = `if grep -q new '${root}/etc/a'; then exec sleep 1000; fi`;
  const before = [{ program: "/bin/sh", args: ["-c", script], mayFail: true }];
  const plan = planIn(root, { before, activate: [failing] });
  await expect(applyPlan(plan, options(root, { undoSeconds: 2 }))).rejects.toThrow(
    "taken back, but",
  );
  expectOld(root);
  expect(log(root)).toEqual(["reactivate old"]);
});

test("an interface without a cable keeps its new configuration", async () => {
  const root = oldMachine();
  const plan = planIn(root, { activate: [failing] });
  const outcome = await applyPlan(plan, options(root, { waitsForCarrier: () => true }));
  expect(outcome).toBe("waits for a carrier");
  expect(read(root, "etc/a")).toBe("new");
});

test("a file that cannot be written takes everything back", async () => {
  const root = oldMachine();
  const plan = planIn(root);
  // The name of its temporary file is too long.
  const files = [...plan.files, { path: `/etc/${"x".repeat(250)}`, text: "" }];
  await expect(applyPlan({ ...plan, files }, options(root))).rejects.toThrow("taken back");
  expectOld(root);
});

test("a manager that does not come back has its old files all the same", async () => {
  const root = oldMachine();
  const plan = planIn(root, { activate: [failing], reactivate: [failing] });
  await expect(applyPlan(plan, options(root))).rejects.toThrow(
    "status 1: broken; taken back, but run '/bin/sh': status 1: broken",
  );
  expectOld(root);
  expect(await rollBack(root, 60)).toBeUndefined();
});

test("after a failure the change before it can still be taken back", async () => {
  const root = oldMachine();
  await applyPlan(planIn(root), options(root));
  const failed = planIn(root, { files: [{ path: "/etc/a", text: "newer" }], activate: [failing] });
  await expect(applyPlan(failed, options(root))).rejects.toThrow("taken back");
  expect(read(root, "etc/a")).toBe("new");
  await rollBack(root, 60);
  expectOld(root);
});

test("a change that a crash left half way is known as such", async () => {
  const root = oldMachine();
  const crash = new Promise<void>(() => undefined);
  const reached = Promise.withResolvers<void>();
  void applyPlan(
    planIn(root),
    options(root, {
      verify: () => {
        reached.resolve();
        return crash;
      },
    }),
  );
  await reached.promise;
  expect(await rollBack(root, 60, ({ state }) => state === "applying")).toBeDefined();
  expectOld(root);
});

test.each(["", "{}", '{"state": "appl'])("a journal of %j is told as damaged", async (text) => {
  const root = temporaryRoot({ "var/lib/hvguest/network-undo.json": text });
  await expect(rollBack(root, 60)).rejects.toThrow(
    `'${root}/var/lib/hvguest/network-undo.json' is damaged`,
  );
});

test("what another user could read of the old files is not in the journal", async () => {
  const root = oldMachine();
  await applyPlan(planIn(root), options(root));
  expect(statSync(`${root}/var/lib/hvguest/network-undo.json`).mode & 0o777).toBe(0o600);
});
