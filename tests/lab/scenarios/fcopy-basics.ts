// File copy: what every host does.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { FcopyStatus } from "../host/fcopy.ts";
import type { Scenario } from "../runner/scenario.ts";

export const fcopyBasics: readonly Scenario[] = [
  {
    name: "a file of ten megabytes arrives unchanged",
    service: "fcopy",
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const content = randomBytes(10_000_000);
      const copied = await fcopy.copy("/tmp/", "ten", content);
      context.sawStatus("complete", copied.status);
      assert.equal(copied.status, FcopyStatus.ok);
      const sum = new Bun.CryptoHasher("sha256").update(content).digest("hex");
      assert.equal((await context.sh("sha256sum < /tmp/ten")).slice(0, 64), sum);
    },
  },
];
