// Data exchange: daemons die, end and start, and replies come late.

import assert from "node:assert/strict";
import { enumerateBody, KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";
import { debian, osName } from "./os-name.ts";

export const kvpLifecycle: readonly Scenario[] = [
  {
    name: "the daemon is killed in the middle of a request and another one serves the next",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      await kvp.set(0, "kept", "yes");
      for (let round = 0; round < 5; round += 1) {
        context.daemon.signal("SIGSTOP");
        await context.sh("true");
        const sent = kvp.post(enumerateBody(KvpPool.auto, 5));
        await Bun.sleep(100);
        await context.daemon.stop("SIGKILL");
        const reply = await kvp.reply(sent, 5000);
        assert.equal(reply.status, KvpStatus.fail);
        await context.daemon.start();
        assert.equal(await osName(kvp), debian);
        assert.deepEqual(await kvp.list(0), [{ key: "kept", value: "yes" }]);
      }
    },
  },
  {
    name: "a daemon that is killed at any moment under load leaves its pool whole",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      // Under load the first kill may come before the first change.
      await kvp.set(0, "key0", `value 0 ${"x".repeat(900)}`);
      let last = 0;
      for (let round = 0; round < 6; round += 1) {
        let isOver = false;
        const load = async (): Promise<void> => {
          while (!isOver) {
            const reply = await kvp.set(0, `key${last % 7}`, `value ${last} ${"x".repeat(900)}`);
            if (reply.status !== KvpStatus.ok) {
              return;
            }
            last += 1;
          }
        };
        const loading = load();
        await Bun.sleep(150 + round * 37);
        await context.daemon.stop("SIGKILL");
        isOver = true;
        await context.daemon.start();
        await loading;
        const items = await kvp.list(0);
        context.saw(`round ${round}: a pool emptied`, items.length === 0);
        if (context.who === "ours") {
          assert.ok(items.length > 0, "the pool is empty");
          for (const { key, value } of items) {
            assert.match(key, /^key[0-6]$/);
            assert.match(value, /^value \d+ x{900}$/);
          }
        }
      }
    },
  },
  {
    // It waits for long: the oldest kernel and the newest.
    name: "a reply that comes after the kernel's 30 seconds is not taken for the next one",
    guests: ["g61", "g7"],
    service: "kvp",
    seconds: 150,
    async run(context) {
      const kvp = await context.ready("kvp");
      context.daemon.signal("SIGSTOP");
      await context.sh("true");
      const late = kvp.post(enumerateBody(KvpPool.auto, 9));
      const given = await kvp.reply(late, 40_000);
      context.sawStatus("the late request", given.status);
      assert.equal(given.status, KvpStatus.fail);
      const next = kvp.post(enumerateBody(KvpPool.auto, 5));
      await Bun.sleep(200);
      context.daemon.signal("SIGCONT");
      const answer = await context.answer(kvp.reply(next, 40_000));
      context.saw("a request while it wakes up", answer);
      await context.survived("kvp");
      await until(20_000, "right answers again", async () => (await osName(kvp)) === debian);
      for (let index = 0; index < 10; index += 1) {
        const { item } = await kvp.enumerate(KvpPool.auto, index);
        assert.equal(item?.key.length === 0, false);
        assert.equal(index === 5 ? item?.key : "OSName", "OSName");
      }
      assert.equal(kvp.channel.waiting.length, 0);
    },
  },
  {
    name: "a daemon that is stopped and woken within 30 seconds answers",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      context.daemon.signal("SIGSTOP");
      const sent = kvp.post(enumerateBody(KvpPool.auto, 5));
      await Bun.sleep(3000);
      context.daemon.signal("SIGCONT");
      assert.equal((await kvp.reply(sent)).status, KvpStatus.ok);
    },
  },
  {
    name: "a host that asks before a daemon runs is served when one does",
    service: "kvp",
    daemon: "none",
    async run(context) {
      const kvp = await context.host.connect("kvp");
      kvp.postNegotiation();
      assert.equal(await kvp.channel.receiveOrSilence(500), undefined);
      await context.daemon.start();
      const { header } = await kvp.receiveMessage();
      assert.equal(header.type, 0);
      await kvp.negotiate();
      assert.equal(await osName(kvp), debian);
      await context.daemon.stop("SIGTERM");
      const sent = kvp.post(enumerateBody(KvpPool.auto, 5));
      await Bun.sleep(500);
      await context.daemon.start();
      assert.equal((await kvp.reply(sent)).status, KvpStatus.ok);
    },
  },
  {
    name: "a second daemon leaves the first one alone and takes over when that ends",
    service: "kvp",
    who: ["ours"],
    async run(context) {
      const kvp = await context.ready("kvp");
      const first = await context.daemon.pid();
      const second = context.machine.job(
        `ln -sf /mnt/share/hvguest /run/names/hv_kvp_daemon; mkdir -p /run/second; ` +
          `exec /run/names/hv_kvp_daemon -n >> /var/log/second.log 2>&1`,
      );
      await Bun.sleep(3000);
      assert.equal(await osName(kvp), debian);
      assert.equal(await context.daemon.pid(), first);
      await context.daemon.stop("SIGTERM");
      if (second.isDone) {
        // It may also give up: then a service manager starts it again.
        await context.daemon.start();
      }
      assert.equal(await osName(kvp), debian);
      second.kill("SIGTERM");
      await second.wait();
    },
  },
  {
    name: "it ends in order on SIGTERM and SIGINT, also under load",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const sent = [0, 5, 9].map((index) => kvp.post(enumerateBody(KvpPool.auto, index)));
        const code = await context.daemon.stop(signal, 10_000);
        context.expect(`exit status after ${signal}`, code ?? -1, 0);
        await context.daemon.start();
        for (const header of sent) {
          await kvp.channel.waitKicking(20_000);
          await kvp.reply(header);
        }
        assert.equal(await osName(kvp), debian);
      }
    },
  },
  {
    name: "SIGHUP and a storm of other signals do not disturb it",
    service: "kvp",
    who: ["ours"],
    async run(context) {
      const kvp = await context.ready("kvp");
      const pid = await context.daemon.pid();
      for (let round = 0; round < 5; round += 1) {
        context.daemon.signal("SIGHUP");
        assert.equal(await osName(kvp), debian);
      }
      // SIGCHLD and SIGCONT interrupt system calls and end nothing.
      const storm = context.machine.job(
        `for i in $(seq 3000); do kill -CONT ${pid}; kill -CHLD ${pid}; done`,
      );
      while (!storm.isDone) {
        assert.equal(await osName(kvp), debian);
      }
      assert.equal(await context.daemon.pid(), pid);
    },
  },
  {
    name: "a host that goes away in the middle finds its guest when it comes back",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (let round = 0; round < 5; round += 1) {
        kvp.post(enumerateBody(KvpPool.auto, 5));
        context.host.disconnect();
        const again = await context.host.connect("kvp");
        await again.negotiate({ passesOver: true });
        assert.equal(await osName(again), debian);
      }
      assert.equal(kvp.channel.isConnected, false);
    },
  },
];
