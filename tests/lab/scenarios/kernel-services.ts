// The services that the kernel answers itself still work beside our daemon.

import assert from "node:assert/strict";
import { ShutdownFlag, TimesyncFlag } from "../host/kernel-services.ts";
import type { Scenario } from "../runner/scenario.ts";

export const kernelServices: readonly Scenario[] = [
  {
    name: "the heartbeat goes on beside the daemon",
    service: "kvp",
    async run(context) {
      const heartbeat = await context.host.service("heartbeat");
      for (const beat of [1n, 41n, 0xffff_ffffn]) {
        assert.equal(await heartbeat.beat(beat), beat + 1n);
      }
    },
  },
  {
    name: "the host steps the guest's clock",
    service: "kvp",
    async run(context) {
      const timesync = await context.host.service("timesync");
      const summer = Date.UTC(2030, 6, 1);
      assert.equal((await timesync.tell(TimesyncFlag.sync, summer)).status, 0);
      await context.sh(
        "for i in $(seq 100); do [ $(date +%Y) = 2030 ] && exit; sleep 0.1; done; false",
      );
      const kvp = await context.ready("kvp");
      assert.equal((await kvp.set(0, "after", "the step")).status, 0);
      await timesync.tell(TimesyncFlag.sync);
      await context.sh(
        "for i in $(seq 100); do [ $(date +%Y) != 2030 ] && exit; sleep 0.1; done; false",
      );
    },
  },
  {
    name: "the host powers the guest off while the daemon runs",
    service: "kvp",
    ruinsGuest: ["ours", "c"],
    async run(context) {
      const shutdown = await context.host.service("shutdown");
      assert.equal((await shutdown.shutDown(ShutdownFlag.powerOff)).status, 0);
      await context.machine.waitExit(45_000);
      assert.match(context.machine.console, /hvlab: shutdown/);
    },
  },
  {
    name: "time samples of both layouts are taken",
    service: "kvp",
    async run(context) {
      const timesync = await context.host.service("timesync");
      for (const [major, minor] of [
        [1, 0],
        [3, 0],
        [4, 0],
      ] as const) {
        await timesync.negotiate({ messages: [{ major, minor }] });
        for (const flags of [TimesyncFlag.probe, TimesyncFlag.sample]) {
          assert.equal((await timesync.tell(flags)).status, 0);
        }
      }
    },
  },
  {
    name: "the host restarts the guest by force while the daemon runs",
    service: "kvp",
    guests: ["g61"],
    ruinsGuest: ["ours", "c"],
    async run(context) {
      const shutdown = await context.host.service("shutdown");
      assert.equal((await shutdown.shutDown(ShutdownFlag.forcedRestart)).status, 0);
      await context.machine.waitExit(45_000);
    },
  },
];
