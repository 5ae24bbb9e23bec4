// The short mode of the fuzzer (scripts/fuzz.ts).

import { describe, expect, test } from "bun:test";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import { fcopyTarget } from "../fuzz/fcopy-target.ts";
import { fuzz } from "../fuzz/fuzz.ts";
import { kvpTarget } from "../fuzz/kvp-target.ts";
import { vssTarget } from "../fuzz/vss-target.ts";

const messages = 3000;
const seed = Number(process.env["TEST_SEED"] ?? "20260101");

describe.skipIf(!isPrivateMachine())(`fuzz, TEST_SEED=${seed}`, () => {
  for (const target of [kvpTarget, vssTarget, fcopyTarget]) {
    test(`${target.service}: each whole message is answered, and nothing is left over`, async () => {
      const { answered, registeredAgain } = await fuzz(target, { seed, messages });
      expect(answered + registeredAgain).toBe(messages);
    }, 120_000);
  }
});
