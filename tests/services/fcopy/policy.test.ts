import { expect, test } from "bun:test";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { ownershipOf, policyOf } from "../../../src/services/fcopy/fcopy-policy.ts";
import { checkDirectory, checkSize } from "../../../src/services/fcopy/policy.ts";
import { defaultSettings } from "../../../src/services/settings.ts";

const defaults = defaultSettings().fcopy;

function statusOf(check: () => unknown): Status | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof RequestError) {
      return error.status;
    }
    throw error;
  }
}

function directoryStatus(
  directory: string,
  allowed: readonly string[],
  denied: readonly string[] = [],
): Status | undefined {
  const policy = policyOf({
    ...defaults,
    allowed_directories: allowed,
    denied_directories: denied,
  });
  return statusOf(() => checkDirectory(policy, directory));
}

test("without settings files may go anywhere, in any size", () => {
  expect(directoryStatus("/", [])).toBeUndefined();
  expect(directoryStatus("/etc/ssh", [])).toBeUndefined();
  expect(statusOf(() => checkSize(policyOf(defaults), 2n ** 63n))).toBeUndefined();
});

test("an allowed directory is meant with all below it, and nothing beside it", () => {
  for (const allowed of ["/srv/in", "/srv/in/"]) {
    expect(directoryStatus("/srv/in", [allowed])).toBeUndefined();
    expect(directoryStatus("/srv/in/a/b", [allowed])).toBeUndefined();
    expect(directoryStatus("/srv/inside", [allowed])).toBe(Status.accessDenied);
    expect(directoryStatus("/srv", [allowed])).toBe(Status.accessDenied);
  }
  expect(directoryStatus("/b", ["/a", "/b"])).toBeUndefined();
});

test("a denied directory is stronger than an allowed one", () => {
  expect(directoryStatus("/srv/in/secret/x", ["/srv/in"], ["/srv/in/secret"])).toBe(
    Status.accessDenied,
  );
  expect(directoryStatus("/srv/in", ["/srv/in"], ["/srv/in/secret"])).toBeUndefined();
  expect(directoryStatus("/anywhere", [], ["/"])).toBe(Status.accessDenied);
});

test("the largest file is counted in MiB, and may have exactly that size", () => {
  const policy = policyOf({ ...defaults, largest_file_mib: 1 });
  expect(statusOf(() => checkSize(policy, 1048576n))).toBeUndefined();
  expect(statusOf(() => checkSize(policy, 1048577n))).toBe(Status.fileTooLarge);
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
