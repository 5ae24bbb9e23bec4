// Data exchange when the guest around the daemon changes: names, clocks, disks, drivers.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import { vmbusDevices } from "../vm/vmbus-devices.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";
import { poolOf, poolPath, readPool, writePool } from "./pool-file.ts";
import type { GuestName } from "../vm/cache.ts";

/** What the agent does is its own: one kernel tells as much as three. */
const oneGuest: readonly GuestName[] = ["g612"];

export const kvpSurroundings: readonly Scenario[] = [
  {
    name: "a change of the same size in the same instant is seen by the next request",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await writePool(context, 1, poolOf([{ key: "key", value: "value 0" }]));
      for (let round = 1; round <= 25; round += 1) {
        const changes = [0, 1, 2].map(
          (step) =>
            `printf 'value ${round}${step}' | dd of=${poolPath(1)} bs=1 seek=512 conv=notrunc 2>/dev/null`,
        );
        const read = kvp.enumerate(1, 0);
        await context.sh(changes.join("; "));
        await read;
        assert.equal((await kvp.enumerate(1, 0)).item?.value, `value ${round}2`);
      }
    },
  },
  {
    name: "a clock that jumps there and back hides no change of a pool",
    guests: oneGuest,
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const now = await context.sh("date +%s");
      try {
        for (const time of ["2035-01-01 00:00:00", "1999-01-01 00:00:00"]) {
          await context.sh(`date -s '${time}'`);
          assert.equal((await kvp.set(1, "key", `at ${time}`)).status, KvpStatus.ok);
          assert.equal((await kvp.enumerate(1, 0)).item?.value, `at ${time}`);
          await writePool(context, 1, poolOf([{ key: "key", value: `by a guest, ${time}` }]));
          assert.equal((await kvp.enumerate(1, 0)).item?.value, `by a guest, ${time}`);
        }
      } finally {
        await context.sh(`date -s @${now}`);
      }
      await writePool(context, 1, poolOf([{ key: "key", value: "now" }]));
      assert.equal((await kvp.enumerate(1, 0)).item?.value, "now");
    },
  },
  {
    name: "a name that nobody can resolve delays nothing and is never an error text",
    service: "kvp",
    daemon: "none",
    async run(context) {
      await context.sh("cp /etc/hosts /tmp/hosts; echo 127.0.0.1 localhost > /etc/hosts");
      try {
        await context.daemon.start();
        const kvp = await context.ready("kvp");
        const { item, milliseconds } = await kvp.enumerate(KvpPool.auto, 0);
        context.expect("name", item?.value ?? "none", "hvguest");
        if (context.who === "ours") {
          assert.ok(milliseconds < 5000, `${milliseconds} ms`);
        }
        await context.sh(
          "cat /tmp/hosts > /etc/hosts; hostname renamed; echo 127.0.1.1 renamed.example.test renamed >> /etc/hosts",
        );
        const renamed = async () => (await kvp.enumerate(KvpPool.auto, 0)).item?.value;
        context.expect("after a change", (await renamed()) ?? "none", "renamed.example.test");
      } finally {
        await context.sh("hostname hvguest; cat /tmp/hosts > /etc/hosts");
      }
    },
  },
  {
    name: "pools on a file system that becomes read-only are read, and changes are refused",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    async run(context) {
      await context.sh("mount -t tmpfs tmpfs /var/lib/hyperv");
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      await kvp.set(0, "key", "value");
      await context.sh("mount -o remount,ro /var/lib/hyperv || umount -l /var/lib/hyperv");
      const answer = await context.answer(kvp.set(0, "key", "changed", { milliseconds: 5000 }));
      context.saw("SET", answer);
      context.expect("the daemon lives", await context.survived("kvp"), true);
      if (context.who === "ours") {
        assert.deepEqual(await kvp.list(0), [{ key: "key", value: "value" }]);
        assert.notEqual(answer, "0x00000000");
        await context.sh("mount -o remount,rw /var/lib/hyperv");
        assert.equal((await kvp.set(0, "key", "changed")).status, KvpStatus.ok);
      }
    },
  },
  {
    name: "a directory of pools that is removed is made again",
    guests: oneGuest,
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await kvp.set(0, "key", "value");
      await context.sh("rm -rf /var/lib/hyperv");
      context.saw("items", await context.answer(kvp.enumerate(0, 0, { milliseconds: 5000 })));
      const answer = await context.answer(kvp.set(0, "new", "value", { milliseconds: 5000 }));
      context.saw("SET", answer);
      await context.survived("kvp");
      if (context.who === "ours") {
        assert.equal(answer, "0x00000000");
        assert.deepEqual(await readPool(context, 0), [{ key: "new", value: "value" }]);
      }
    },
  },
  {
    name: "the driver is unbound and bound again under the daemon",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const device = vmbusDevices.kvp.instanceId;
      const driver = "/sys/bus/vmbus/drivers/hv_utils";
      for (let round = 0; round < 5; round += 1) {
        await context.sh(`echo ${device} > ${driver}/unbind`, 30_000);
        await kvp.channel.closed();
        await context.sh(`echo ${device} > ${driver}/bind`, 30_000);
        await kvp.channel.opened();
        await context.survived("kvp");
        await context.ready("kvp");
        assert.equal((await kvp.enumerate(KvpPool.auto, 5)).item?.value, "Debian GNU/Linux");
      }
    },
  },
  {
    name: "three thousand requests leave memory, files and threads as they were",
    service: "kvp",
    guests: ["g61"],
    who: ["ours"],
    seconds: 180,
    async run(context) {
      const kvp = await context.ready("kvp");
      const pid = await context.daemon.pid();
      const kilobytes = async () =>
        Number(
          (await context.sh(`grep Private_Dirty /proc/${pid}/smaps_rollup`)).replaceAll(/\D/g, ""),
        );
      const load = async (count: number) => {
        for (let index = 0; index < count; index += 1) {
          await kvp.enumerate(KvpPool.auto, index % 11);
          await kvp.set(0, `key${index % 50}`, `value ${index}`);
        }
      };
      await load(750);
      const files = await context.sh(`ls /proc/${pid}/fd | wc -l`);
      const before = await kilobytes();
      await load(750);
      const grown = (await kilobytes()) - before;
      assert.ok(grown < 8192, `${grown} KiB more`);
      assert.equal(await context.sh(`ls /proc/${pid}/fd | wc -l`), files);
    },
  },
  {
    name: "scripts and the host talk through the pools by the command kvp",
    guests: oneGuest,
    service: "kvp",
    who: ["ours"],
    async run(context) {
      const kvp = await context.ready("kvp");
      const hvguest = "/mnt/share/hvguest kvp";
      const waiting = context.machine.job(`${hvguest} wait --pool external --timeout 30 answer`);
      await context.sh(`${hvguest} set --pool guest question 'été?'`);
      await until(10_000, "the question", async () =>
        (await kvp.list(KvpPool.guest)).some(({ value }) => value === "été?"),
      );
      await kvp.set(KvpPool.external, "answer", "oui 🙂");
      assert.equal((await waiting.wait(30_000)).code, 0);
      assert.equal(await context.sh(`${hvguest} get --pool external answer`), "oui 🙂");
      assert.equal((await context.machine.try(`${hvguest} get --pool external none`)).code, 1);
      await context.sh(`${hvguest} delete --pool guest question`);
      assert.deepEqual(await kvp.list(KvpPool.guest), []);
    },
  },
];
