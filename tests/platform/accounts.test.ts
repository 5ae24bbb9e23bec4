import { expect, test } from "bun:test";
import { join } from "node:path";
import { groupId, userId } from "../../src/platform/accounts.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const root = temporaryRoot({
  "etc/passwd": "root:x:0:0::/root:/bin/sh\nadmin:x:1000:1001::/:/bin/sh\nbroken\nodd:x::1:::\n",
  "etc/group": "root:x:0:\nwheel:x:10:admin\n",
});
const passwd = join(root, "etc/passwd");

test("a user is found by name, and a number is one without a look", () => {
  expect(userId("root", passwd)).toBe(0);
  expect(userId("admin", passwd)).toBe(1000);
  expect(userId("4242", passwd)).toBe(4242);
  expect(groupId("wheel", join(root, "etc/group"))).toBe(10);
});

test("a name that is not there, or has no number, is nobody", () => {
  for (const name of ["nobody", "broken", "odd", "x"]) {
    expect(userId(name, passwd)).toBeUndefined();
  }
});
