// File copy: what every host does.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { FcopyStatus } from "../host/fcopy.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertContent } from "./arrived-file.ts";

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
      await assertContent(context, "/tmp/ten", content);
    },
  },
];
