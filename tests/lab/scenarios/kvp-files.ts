// Data exchange: the pool files, which other programs of the guest read and write too.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { numbered, poolOf, poolPath, readPool, recordOf, writePool } from "./pool-file.ts";
import type { GuestName } from "../vm/cache.ts";

/** What the agent does is its own: one kernel tells as much as three. */
const oneGuest: readonly GuestName[] = ["g61"];

export const kvpFiles: readonly Scenario[] = [
  {
    name: "pools outlive a restart, and what Ignition left with mode 0600 keeps it",
    service: "kvp",
    daemon: "none",
    async run(context) {
      await writePool(context, 0, poolOf([{ key: "ignition.config.0", value: "{}" }]));
      await context.sh(`chmod 600 ${poolPath(0)}`);
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      assert.deepEqual(await kvp.list(0), [{ key: "ignition.config.0", value: "{}" }]);
      await kvp.set(0, "more", "yes");
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        await context.daemon.restart(signal);
        await kvp.negotiate();
        assert.equal((await kvp.list(0)).length, 2);
      }
      assert.equal(await context.sh(`stat -c %a ${poolPath(0)}`), "600");
      assert.equal(await context.sh(`stat -c %a ${poolPath(1)}`), "644");
    },
  },
  {
    name: "what another program appends is seen by the next request",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const key = "CLOUD_INIT|1790000000|finish|modules-final|0bd1|8a3e";
      for (let round = 0; round < 20; round += 1) {
        const record = recordOf(`${key}${round}`, `{"name": "modules-final", "n": ${round}}`);
        const command = `/mnt/share/flock -x ${poolPath(1)} -c 'cat >> ${poolPath(1)}'`;
        await context.machine.run(command, 20_000, record);
        const items = await kvp.list(KvpPool.guest);
        assert.equal(items.length, round + 1);
        assert.equal(items[round]?.key, `${key}${round}`);
      }
      assert.equal((await kvp.set(KvpPool.guest, "from the host", "too")).status, KvpStatus.ok);
      assert.equal((await readPool(context, 1)).length, 21);
    },
  },
  {
    name: "a program appends under flock while the host reads and writes: nothing is lost or torn",
    guests: oneGuest,
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      const count = 60;
      await context.machine.writeFile("/tmp/records", poolOf(numbered(count, "guest")));
      const writer = context.machine.job(
        `for i in $(seq 0 ${count - 1}); do /mnt/share/flock -x ${poolPath(1)} ` +
          `dd if=/tmp/records of=${poolPath(1)} bs=2560 skip=$i count=1 oflag=append conv=notrunc 2>/dev/null; done`,
      );
      let written = 0;
      let torn = 0;
      while (!writer.isDone) {
        for (const { key, value } of await kvp.list(KvpPool.guest)) {
          if (!/^(guest|host)\d+$/.test(key) || value === "") {
            torn += 1;
          }
        }
        const reply = await kvp.set(KvpPool.guest, `host${written}`, `value ${written}`);
        written += reply.status === KvpStatus.ok ? 1 : 0;
      }
      assert.equal((await writer.wait()).code, 0);
      const keys = new Set((await readPool(context, 1)).map(({ key }) => key));
      context.saw("torn items", torn > 0);
      context.saw("lost records", keys.size < count + written);
      if (context.who === "ours") {
        assert.equal(torn, 0);
        assert.equal(keys.size, count + written);
      }
    },
  },
  {
    name: "of records with the same key the host sees one, with the last value",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const records = ["a=1", "b=2", "a=3", "c=4", "a=5"].map((text) => {
        const [key = "", value = ""] = text.split("=");
        return { key, value };
      });
      await writePool(context, 1, poolOf(records));
      const listed = (await kvp.list(1)).map(({ key, value }) => `${key}=${value}`).join(" ");
      context.expect("items", listed, "a=5 b=2 c=4");
      await kvp.set(1, "a", "6");
      context.expect("GET after SET", (await kvp.get(1, "a")).value ?? "none", "6");
      await kvp.delete(1, "a");
      const left = (await kvp.list(1)).map(({ key }) => key).join(" ");
      context.expect("keys after DELETE", left, "b c");
    },
  },
  {
    name: "a pool that another program empties, replaces or removes is served as it is",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await kvp.set(1, "old", "value");
      await context.sh(`: > ${poolPath(1)}`);
      assert.deepEqual(await kvp.list(1), []);
      await context.machine.writeFile(
        "/var/lib/hyperv/new",
        poolOf([{ key: "new", value: "file" }]),
      );
      await context.sh(`mv /var/lib/hyperv/new ${poolPath(1)}`);
      const first = async () => {
        const status = await context.answer(kvp.enumerate(1, 0, { milliseconds: 5000 }));
        return status === "0x00000000" ? ((await kvp.enumerate(1, 0)).item?.key ?? "") : status;
      };
      context.expect("after a replacement", await first(), "new");
      await context.sh(`rm ${poolPath(1)}`);
      context.expect("after a removal", await first(), "0x80070103");
      context.expect("SET", await context.answer(kvp.set(1, "again", "x")), "0x00000000");
      const stored = await context.machine.try(`stat -c %s ${poolPath(1)}`);
      context.expect("the file", stored.stdout.trim() || "none", "2560");
    },
  },
  {
    name: "a torn record at the end of a pool is survived and kept",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    async run(context) {
      const torn = Buffer.concat([poolOf(numbered(3)), recordOf("torn", "half").subarray(0, 1000)]);
      await writePool(context, 0, torn);
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      assert.deepEqual((await kvp.list(0)).slice(0, 3), numbered(3));
      assert.equal((await kvp.set(0, "next", "fine")).status, KvpStatus.ok);
      await context.daemon.restart();
      await kvp.negotiate();
      const keys = (await kvp.list(0)).map(({ key }) => key);
      context.saw("keys", keys.join(" "));
      assert.ok(keys.includes("next") && keys.includes("item0"));
      if (context.who === "ours") {
        const kept = await context.sh(
          "grep -l torn /var/lib/hyperv/.* /var/lib/hyperv/* 2>/dev/null || true",
        );
        assert.notEqual(kept, "", "the torn record is nowhere");
      }
    },
  },
  {
    name: "pools full of noise are served without harm",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    async run(context) {
      const noise = Buffer.from(
        Array.from({ length: 2560 * 5 + 77 }, (_, index) => (index * 7919 + (index >> 3)) & 0xff),
      );
      // Without a NUL in reach the C daemon's answer stops the guest's kernel.
      for (let offset = 511; offset < noise.length; offset += 512) {
        noise[offset] = 0;
      }
      await writePool(context, 1, noise);
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      const statuses: string[] = [];
      for (let index = 0; index < 7; index += 1) {
        statuses.push(await context.answer(kvp.enumerate(1, index)));
      }
      context.saw("statuses", statuses.join(" "));
      assert.equal((await kvp.set(0, "after", "fine")).status, KvpStatus.ok);
      if (context.who === "ours") {
        assert.ok(statuses.every((status) => status !== "0x80004005"));
      }
    },
  },
  {
    name: "a full disk gets a failure and leaves the pool as it was",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    async run(context) {
      await context.sh("mount -t tmpfs -o size=64k tmpfs /var/lib/hyperv");
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      const accepted: string[] = [];
      let refused = "never";
      for (let index = 0; index < 40 && refused === "never"; index += 1) {
        const status = await context.answer(
          kvp.set(0, `key${index}`, "x".repeat(1000), { milliseconds: 5000 }),
        );
        if (status === "0x00000000") {
          accepted.push(`key${index}`);
        } else {
          refused = status;
        }
      }
      context.expect("is refused", refused !== "never", true);
      context.saw("status", refused);
      context.expect("the daemon lives", await context.survived("kvp"), true);
      const listed = (await kvp.list(0)).map(({ key }) => key);
      context.expect("accepted keys are there", listed.join() === accepted.join(), true);
      context.expect("file", (await readPool(context, 0)).length, accepted.length);
      if (context.who === "ours") {
        const changed = await kvp.set(0, "key0", "in place");
        assert.equal(changed.status, KvpStatus.ok);
        await kvp.delete(0, "key1");
        assert.equal((await kvp.set(0, "later", "fits")).status, KvpStatus.ok);
      }
    },
  },
  {
    name: "a pool that is a directory, a pipe or a link elsewhere does not end the service",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    async run(context) {
      await context.sh(
        `mkdir ${poolPath(0)}; mkfifo ${poolPath(1)}; ln -s /dev/zero ${poolPath(3)}; ln -s /nowhere/x ${poolPath(4)}`,
      );
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      for (const pool of [0, 1, 3, 4]) {
        context.saw(`enumerate ${pool}`, await context.answer(kvp.enumerate(pool, 0)));
        context.saw(`set ${pool}`, await context.answer(kvp.set(pool, "a", "b")));
      }
      assert.equal((await kvp.list(KvpPool.auto)).length, 10);
      assert.equal(context.daemon.isRunning, true);
    },
  },
  {
    name: "a program that keeps a pool locked makes no other pool wait",
    guests: oneGuest,
    service: "kvp",
    who: ["ours"],
    async run(context) {
      const kvp = await context.ready("kvp");
      await kvp.set(0, "key", "value");
      const holder = context.machine.job(
        `/mnt/share/flock -x ${poolPath(0)} -c 'echo held; sleep 60'`,
      );
      await context.sh("sleep 0.5");
      const held = await kvp.set(0, "key", "changed");
      context.saw("a change meanwhile", held.status !== 0);
      assert.ok(held.milliseconds < 10_000, `${held.milliseconds} ms`);
      const read = await kvp.enumerate(0, 0);
      assert.equal(read.item?.value, "value");
      assert.equal((await kvp.set(1, "other", "pool")).status, KvpStatus.ok);
      holder.kill("SIGKILL");
      await holder.wait();
      assert.equal((await kvp.set(0, "key", "changed")).status, KvpStatus.ok);
    },
  },
  {
    name: "lis-test Max_Read: a host reads 250 entries that the guest wrote",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await writePool(context, 1, poolOf(numbered(250, "entry")));
      assert.deepEqual(await kvp.list(KvpPool.guest), numbered(250, "entry"));
      assert.equal(context.daemon.isRunning, true);
    },
  },
  {
    name: "ten thousand records of the guest are enumerated to the end",
    guests: oneGuest,
    service: "kvp",
    who: ["ours"],
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      const records = numbered(10_000, "entry");
      await writePool(context, 1, poolOf(records));
      for (const index of [0, 1, 9998, 9999]) {
        assert.deepEqual((await kvp.enumerate(1, index)).item, records[index]);
      }
      assert.equal((await kvp.enumerate(1, 10_000)).status, KvpStatus.noMoreItems);
      for (let index = 0; index < 10_000; index += 50) {
        assert.equal((await kvp.enumerate(1, index)).item?.key, `entry${index}`);
      }
    },
  },
];
