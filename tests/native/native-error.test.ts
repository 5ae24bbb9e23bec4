import { expect, test } from "bun:test";
import { constants } from "node:os";
import { callNative, errnoText, NativeError, nativeError } from "../../src/native/native-error.ts";

const { EBUSY, ENOENT } = constants.errno;

/** What the native module throws: the errno in decimal as `code`. */
function thrown(code: string): Error {
  return Object.assign(new Error("open '/dev/vmbus/hv_kvp'"), { code });
}

test("an errno has words and its name", () => {
  expect(errnoText(EBUSY)).toContain("EBUSY");
  expect(errnoText(ENOENT)).toContain("ENOENT");
  expect(errnoText(0)).toBe("hung up");
  expect(errnoText(999)).toBe("errno 999");
});

test("a failure of the native module carries its errno, the call and the cause", () => {
  const cause = thrown(String(EBUSY));
  const error = nativeError(cause);
  expect(error).toBeInstanceOf(NativeError);
  expect(error).toMatchObject({ errno: EBUSY, cause });
  expect(String(error)).toContain("open '/dev/vmbus/hv_kvp': ");
});

test("what is no errno stays what it is", () => {
  for (const other of [thrown("InvalidArg"), new Error("x"), "text", undefined]) {
    expect(nativeError(other)).toBe(other);
  }
});

test("a call that succeeds gives its value, one that fails a NativeError", () => {
  expect(callNative(() => 5)).toBe(5);
  expect(() =>
    callNative(() => {
      throw thrown(String(EBUSY));
    }),
  ).toThrow(NativeError);
});
