// Backup: what every host does.

import assert from "node:assert/strict";
import type { Scenario } from "../runner/scenario.ts";

export const vssBasics: readonly Scenario[] = [
  {
    name: "a checkpoint freezes both file systems and thaws them",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      const { check, freeze, thaw } = await vss.checkpoint(async () => {
        const write = context.machine.job("echo x > /mnt/ext4/a; echo x > /mnt/xfs/a");
        await Bun.sleep(300);
        assert.equal(write.isDone, false, "a write passes while frozen");
      });
      context.sawStatus("check", check.status);
      context.sawStatus("freeze", freeze.status);
      context.sawStatus("thaw", thaw.status);
      assert.deepEqual([check.status, freeze.status, thaw.status], [0, 0, 0]);
      await context.sh("until [ -e /mnt/xfs/a ]; do sleep 0.1; done", 20_000);
    },
  },
];
