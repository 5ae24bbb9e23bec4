// Backup: whatever goes wrong, nothing stays frozen.

import assert from "node:assert/strict";
import { vssBody, VssOperation } from "../host/vss.ts";
import { statusText } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertFrozen, assertThawed, logged, thaws } from "./guest-mounts.ts";

const configuration = (lines: string) =>
  `mkdir -p /etc/hvguest && printf '[vss]\\n${lines}' > /etc/hvguest/hvguest.toml`;

export const vssAccidents: readonly Scenario[] = [
  {
    name: "a host that disconnects while frozen finds the guest as it was",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      context.host.disconnect();
      const again = await context.host.service("vss");
      await assertFrozen(context);
      const { status } = await again.thaw();
      context.sawStatus("thaw", status);
      assert.equal(status, 0);
      await assertThawed(context);
    },
  },
  {
    // The C daemon leaves the guest frozen, and the host without an end of the rescind.
    name: "a rescind while frozen thaws",
    service: "vss",
    who: ["ours"],
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      await vss.channel.rescind();
      await assertThawed(context);
      await vss.channel.offer();
      const { check, freeze, thaw } = await (await context.ready("vss")).checkpoint(() =>
        assertFrozen(context),
      );
      assert.deepEqual([check.status, freeze.status, thaw.status], [0, 0, 0]);
      await assertThawed(context);
    },
  },
  {
    name: "a daemon that is killed while frozen leaves nothing frozen",
    service: "vss",
    async run(context) {
      await (await context.ready("vss")).freeze();
      await context.daemon.stop("SIGKILL");
      context.expect("thawed after it", await thaws(context), true);
      await context.daemon.start();
      const vss = await context.ready("vss");
      const { status } = await vss.freeze();
      context.expect("next freeze", statusText(status), statusText(0));
      assert.equal((await vss.thaw()).status, 0);
      await assertThawed(context);
    },
  },
  {
    name: "a daemon that is killed together with its guard is made good by the next one",
    service: "vss",
    who: ["ours"],
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      context.daemon.signal("SIGSTOP");
      await context.sh("kill -9 $(pidof hvguest-guard || pgrep -x hvguest-guard)");
      await context.daemon.stop("SIGKILL");
      await assertFrozen(context);
      await context.daemon.start();
      await assertThawed(context);
      await logged(context.daemon, "had left file systems frozen, thawed");
    },
  },
  {
    name: "a daemon that is told to end while frozen thaws and ends",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      context.expect("exit status", String(await context.daemon.stop("SIGTERM")), "0");
      context.expect("thawed after it", await thaws(context), true);
    },
  },
  {
    name: "a daemon that hangs is overtaken by its guard",
    service: "vss",
    who: ["ours"],
    daemon: "none",
    async run(context) {
      await context.sh(configuration("deadline_seconds = 2\\n"));
      await context.daemon.start();
      const vss = await context.ready("vss");
      await vss.freeze();
      context.daemon.signal("SIGSTOP");
      await assertThawed(context);
      context.daemon.signal("SIGCONT");
      const { status } = await vss.thaw();
      assert.notEqual(status, 0, "the host believes in its backup");
    },
  },
  {
    name: "a host that falls silent does not keep the guest frozen, and hears of it",
    service: "vss",
    who: ["ours"],
    daemon: "none",
    async run(context) {
      await context.sh(configuration("deadline_seconds = 2\\n"));
      await context.daemon.start();
      const vss = await context.ready("vss");
      await vss.freeze();
      await assertThawed(context);
      const { status } = await vss.thaw();
      context.sawStatus("thaw", status);
      assert.notEqual(status, 0, "the host believes in its backup");
      const { freeze, thaw } = await vss.checkpoint(() => Promise.resolve());
      assert.deepEqual([freeze.status, thaw.status], [0, 0]);
    },
  },
  {
    name: "a malformed packet is survived by a frozen guest",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      // Packets are padded to 8 bytes: one of 11 would be whole.
      for (const bytes of [0, 1, 3, 4]) {
        const body = vssBody(VssOperation.thaw, 0, bytes);
        // hv_utils drops it without an answer; one at a time, as it reads one a signal.
        const answer = await context.answer(vss.request(body, { milliseconds: 700 }));
        // Newer kernels look at the operation of a short one all the same.
        context.saw(`${bytes} bytes`, answer);
      }
      const { status } = await vss.thaw();
      context.sawStatus("thaw", status);
      await assertThawed(context);
      assert.equal((await vss.check()).status, 0);
    },
  },
  {
    name: "a negotiation while frozen changes nothing",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      await vss.negotiate();
      await assertFrozen(context);
      assert.equal((await vss.thaw()).status, 0);
      await assertThawed(context);
    },
  },
  {
    name: "a hook that fails or hangs fails the freeze and leaves nothing frozen",
    service: "vss",
    who: ["ours"],
    daemon: "none",
    async run(context) {
      await context.sh(
        `${configuration("hook_seconds = 1\\n")}; mkdir -p /etc/hvguest/vss.d; ` +
          'printf \'#!/bin/sh\\necho "$1" >> /run/hook\\n[ "$1" = thaw ] || sleep 1000\\n\' ' +
          "> /etc/hvguest/vss.d/hang; chmod 755 /etc/hvguest/vss.d/hang; rm -f /run/hook",
      );
      await context.daemon.start();
      const vss = await context.ready("vss");
      const { status } = await vss.freeze();
      context.sawStatus("freeze", status);
      assert.notEqual(status, 0);
      await assertThawed(context);
      await context.sh("until [ $(wc -l < /run/hook) = 2 ]; do sleep 0.1; done", 20_000);
      assert.equal(await context.sh("cat /run/hook"), "freeze\nthaw");
    },
  },
];
