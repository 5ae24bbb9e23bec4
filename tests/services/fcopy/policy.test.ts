import { expect, test } from "bun:test";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { ownershipOf, policyOf } from "../../../src/services/fcopy/fcopy-policy.ts";
import { checkDirectory, checkSize } from "../../../src/services/fcopy/policy.ts";
import { defaultSettings } from "../../../src/services/settings.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

const defaults = defaultSettings().fcopy;

/** The status of what `check` throws; undefined when it throws nothing. */
async function statusOf(check: () => void | Promise<void>): Promise<Status | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof RequestError) {
      return error.status;
    }
    throw error;
  }
}

function check(
  directory: string,
  allowed: readonly string[],
  denied: readonly string[] = [],
): Promise<void> {
  const policy = policyOf({
    ...defaults,
    allowed_directories: allowed,
    denied_directories: denied,
  });
  return checkDirectory(policy, directory);
}

function directoryStatus(...parts: Parameters<typeof check>): Promise<Status | undefined> {
  return statusOf(() => check(...parts));
}

test("without settings files may go anywhere, in any size", async () => {
  expect(await directoryStatus("/", [])).toBeUndefined();
  expect(await directoryStatus("/etc/ssh", [])).toBeUndefined();
  expect(await statusOf(() => checkSize(policyOf(defaults), 2n ** 63n))).toBeUndefined();
});

test("an allowed directory is meant with all below it, and nothing beside it", async () => {
  for (const allowed of ["/srv/in", "/srv/in/"]) {
    expect(await directoryStatus("/srv/in", [allowed])).toBeUndefined();
    expect(await directoryStatus("/srv/in/a/b", [allowed])).toBeUndefined();
    expect(await directoryStatus("/srv/inside", [allowed])).toBe(Status.accessDenied);
    expect(await directoryStatus("/srv", [allowed])).toBe(Status.accessDenied);
  }
  expect(await directoryStatus("/b", ["/a", "/b"])).toBeUndefined();
});

test("a denied directory is stronger than an allowed one", async () => {
  expect(await directoryStatus("/srv/in/secret/x", ["/srv/in"], ["/srv/in/secret"])).toBe(
    Status.accessDenied,
  );
  expect(await directoryStatus("/srv/in", ["/srv/in"], ["/srv/in/secret"])).toBeUndefined();
  expect(await directoryStatus("/anywhere", [], ["/"])).toBe(Status.accessDenied);
});

test("a configured directory is meant however it is written", async () => {
  for (const written of ["//etc", "/etc/.", "/etc//", "/./etc", "/usr/../etc"]) {
    expect([written, await directoryStatus("/etc", [], [written])]).toEqual([
      written,
      Status.accessDenied,
    ]);
    expect(await directoryStatus("/etc/ssh", [written])).toBeUndefined();
    expect(await directoryStatus("/etcetera", [], [written])).toBeUndefined();
  }
});

test("a configured symbolic link stands for what it leads to", async () => {
  const root = realpathSync(temporaryRoot());
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  symlinkSync("usr/bin", join(root, "bin"));
  symlinkSync(join(root, "usr"), join(root, "system"));
  for (const written of ["bin", "system/bin", "system/bin/.", "bin/../bin"]) {
    const configured = `${root}/${written}`;
    expect(await directoryStatus(join(root, "usr/bin"), [], [configured])).toBe(
      Status.accessDenied,
    );
    expect(await directoryStatus(join(root, "usr/bin/new"), [configured])).toBeUndefined();
    expect(await directoryStatus(join(root, "usr"), [configured])).toBe(Status.accessDenied);
  }
  // The directory above what the link leads to, as the kernel understands it.
  expect(await directoryStatus(join(root, "usr/x"), [], [`${root}/bin/..`])).toBe(
    Status.accessDenied,
  );
  expect(await directoryStatus(join(root, "usr/bin/new"), [], [`${root}/bin/new`])).toBe(
    Status.accessDenied,
  );
});

test("a configured link denies what it is going to lead to, and its own place", async () => {
  const root = realpathSync(temporaryRoot());
  symlinkSync("later/below", join(root, "link"));
  const denied = [`${root}/link/`];
  expect(await directoryStatus(join(root, "later/below/x"), [], denied)).toBe(Status.accessDenied);
  expect(await directoryStatus(join(root, "later"), [], denied)).toBeUndefined();
  expect(await directoryStatus(join(root, "link/x"), [], denied)).toBe(Status.accessDenied);
});

test("a denied directory that cannot be looked at refuses every copy", async () => {
  const root = realpathSync(temporaryRoot());
  symlinkSync("circle", join(root, "circle"));
  for (const allowed of [[], ["/srv"]]) {
    await expect(check("/srv", allowed, ["/etc", join(root, "circle")])).rejects.toMatchObject({
      status: Status.fail,
      message: expect.stringContaining(`configured directory '${root}/circle': `),
    });
  }
});

test("no more allowed directories are looked at than one that has the place", async () => {
  const root = realpathSync(temporaryRoot());
  // It stands for one whose file system does not answer.
  const circle = join(root, "circle");
  symlinkSync("circle", circle);
  mkdirSync(join(root, "in"));
  symlinkSync("in", join(root, "link"));
  const place = join(root, "in/new");
  for (const written of ["in", "in/"]) {
    expect(await directoryStatus(place, [circle, `${root}/${written}`])).toBeUndefined();
    expect(await directoryStatus(place, [`${root}/${written}`, circle])).toBeUndefined();
  }
  expect(await directoryStatus(place, [join(root, "link"), circle])).toBeUndefined();
  // Only a look at it would tell.
  expect(await directoryStatus(place, [circle, join(root, "link")])).toBe(Status.fail);
  expect(await directoryStatus(join(root, "other"), [join(root, "in"), circle])).toBe(Status.fail);
});

test("an allowed directory that is written with upward steps is meant as the kernel goes", async () => {
  const root = realpathSync(temporaryRoot());
  mkdirSync(join(root, "usr/bin"), { recursive: true });
  symlinkSync("usr/bin", join(root, "bin"));
  const allowed = [`${root}/bin/../in`];
  expect(await directoryStatus(join(root, "usr/in"), allowed)).toBeUndefined();
  expect(await directoryStatus(join(root, "in"), allowed)).toBe(Status.accessDenied);
});

test("the largest file is counted in MiB, and may have exactly that size", async () => {
  const policy = policyOf({ ...defaults, largest_file_mib: 1 });
  expect(await statusOf(() => checkSize(policy, 1048576n))).toBeUndefined();
  expect(await statusOf(() => checkSize(policy, 1048577n))).toBe(Status.fileTooLarge);
});

test("mode and owner are those of the configuration, or nobody's", () => {
  expect(ownershipOf(defaults)).toEqual({ mode: undefined, uid: undefined, gid: undefined });
  expect(ownershipOf({ ...defaults, mode: "0640", owner: "root", group: "0" })).toEqual({
    mode: 0o640,
    uid: 0,
    gid: 0,
  });
});

test("an owner who does not exist fails the copy with a reason", () => {
  expect(() => ownershipOf({ ...defaults, owner: "nobody-of-that-name" })).toThrow(
    "user 'nobody-of-that-name' does not exist",
  );
});
