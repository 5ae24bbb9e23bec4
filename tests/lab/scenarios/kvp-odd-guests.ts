// Data exchange in guests that are not as they should be: no room, no descriptors left,
// pools that turn into something else, a machine without a name.

import assert from "node:assert/strict";
import { type KvpHost, KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { poolPath, recordBytes, recordOf } from "./pool-file.ts";
import type { GuestName } from "../vm/cache.ts";

/** HV_ERROR_DISK_FULL */
const diskFull = 0x8007_0070;

const intrinsicCount = 10;

/** A changed key that the host can read back. */
async function isServed(kvp: KvpHost, pool: number, value: string): Promise<void> {
  assert.equal((await kvp.set(pool, "served", value)).status, KvpStatus.ok);
  const items = await kvp.list(pool);
  assert.ok(items.some((item) => item.key === "served" && item.value === value));
}

/** What a host gets while a pool is not one: answers, and the intrinsic items. */
async function isSurvived(context: Context, kvp: KvpHost, pool: number): Promise<void> {
  for (const ask of [
    () => kvp.enumerate(pool, 0),
    () => kvp.set(pool, "key", "value"),
    () => kvp.get(pool, "key"),
    () => kvp.delete(pool, "key"),
  ]) {
    assert.notEqual(await context.answer(ask()), "0x00000000");
  }
  assert.equal((await kvp.list(KvpPool.auto)).length, intrinsicCount);
  assert.equal(context.daemon.isRunning, true);
}

/** What the agent does is its own: one kernel tells as much as three. */
const oneGuest: readonly GuestName[] = ["g7"];

export const kvpOddGuests: readonly Scenario[] = [
  {
    name: "what a host writes into the pool of intrinsic items hides none of them",
    guests: oneGuest,
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const before = await kvp.list(KvpPool.auto);
      for (const key of ["OSName", "mine"]) {
        context.saw(`SET ${key}`, await context.answer(kvp.set(KvpPool.auto, key, "changed")));
        assert.deepEqual(await kvp.list(KvpPool.auto), before);
        context.saw(`DELETE ${key}`, await context.answer(kvp.delete(KvpPool.auto, key)));
        assert.deepEqual(await kvp.list(KvpPool.auto), before);
      }
    },
  },
  {
    name: "a pool at its largest size takes changes and no more keys, beyond it none",
    guests: oneGuest,
    service: "kvp",
    who: ["ours"],
    async run(context) {
      const kvp = await context.ready("kvp");
      const largest = 13_107;
      const path = poolPath(1);
      await context.sh(`truncate -s ${(largest - 1) * recordBytes} ${path}`);
      await context.machine.run(`cat >> ${path}`, 10_000, recordOf("last", "one"));
      assert.deepEqual(await kvp.list(1), [{ key: "last", value: "one" }]);
      assert.equal((await kvp.set(1, "last", "changed")).status, KvpStatus.ok);
      assert.equal((await kvp.set(1, "more", "than fits")).status, diskFull);
      assert.deepEqual(await kvp.list(1), [{ key: "last", value: "changed" }]);
      assert.equal((await kvp.delete(1, "last")).status, KvpStatus.ok);
      await isServed(kvp, 1, "now it fits");
      await context.sh(`truncate -s ${largest * recordBytes * 40} ${path}`);
      assert.deepEqual(await kvp.list(1), [{ key: "served", value: "now it fits" }]);
      assert.notEqual((await kvp.set(1, "served", "not now")).status, KvpStatus.ok);
      await context.sh("/mnt/share/hvguest kvp --pool 1 clear");
      assert.equal(await context.sh(`stat -c %s ${path}`), "0");
      await isServed(kvp, 1, "after it was cleared");
    },
  },
  {
    name: "a disk without room for the pools is survived from the start, and used when there is",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    async run(context) {
      await context.sh("mount -t tmpfs -o nr_inodes=1 tmpfs /var/lib/hyperv");
      await context.daemon.start();
      const kvp = await context.ready("kvp");
      assert.equal((await kvp.list(KvpPool.auto)).length, intrinsicCount);
      assert.equal((await kvp.set(0, "key", "value")).status, diskFull);
      assert.deepEqual(await kvp.list(0), []);
      await context.sh("mount -o remount,nr_inodes=100 /var/lib/hyperv");
      for (const pool of [0, 1, 3, 4]) {
        await isServed(kvp, pool, "there is room");
      }
      const modes = await context.sh(`stat -c %a ${poolPath(0)} ${poolPath(4)}`);
      assert.equal(modes, "644\n644");
    },
  },
  {
    name: "pools that turn into something else while they are served are survived, and come back",
    guests: oneGuest,
    service: "kvp",
    who: ["ours"],
    async run(context) {
      const kvp = await context.ready("kvp");
      const path = poolPath(0);
      for (const [what, command] of Object.entries({
        directory: `mkdir ${path}`,
        pipe: `mkfifo ${path}`,
        "loop of links": `ln -s ${path} ${path}`,
        device: `mknod ${path} c 1 7`,
      })) {
        await isServed(kvp, 0, what);
        await context.sh(`rm ${path}; ${command}`);
        await isSurvived(context, kvp, 0);
        await isServed(kvp, 1, what);
        await context.sh(`rm -r ${path}`);
      }
      for (const command of ["touch /var/lib/hyperv", "ln -s /var/lib/hyperv /var/lib/hyperv"]) {
        await isServed(kvp, 0, command);
        await context.sh(`rm -rf /var/lib/hyperv; ${command}`);
        await isSurvived(context, kvp, 0);
        await context.sh("rm /var/lib/hyperv");
      }
      await isServed(kvp, 0, "at last");
      await context.sh("mv /var/lib/hyperv /tmp/elsewhere; ln -s /tmp/elsewhere /var/lib/hyperv");
      assert.deepEqual(await kvp.list(0), [{ key: "served", value: "at last" }]);
      await isServed(kvp, 0, "through a link");
    },
  },
  {
    name: "a machine without names and without the files that describe it has its ten items",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    async run(context) {
      const files = ["/etc/hosts", "/etc/resolv.conf", "/etc/os-release", "/usr/lib/os-release"];
      const each = (command: string) =>
        context.sh(`for f in ${files.join(" ")}; do ${command}; done; true`);
      await each("[ -e $f ] && mv $f $f.kept; ln -s $f $f");
      try {
        await context.daemon.start();
        const kvp = await context.ready("kvp");
        for (const name of ["", "x".repeat(64), "\\xff\\xfe", "a b\\n"]) {
          await context.sh(`printf '${name}' > /proc/sys/kernel/hostname`);
          const items = await kvp.list(KvpPool.auto);
          assert.equal(items.length, intrinsicCount, `host name '${name}'`);
          assert.equal(items[5]?.value, "Linux");
        }
      } finally {
        await each("rm -f $f; [ -e $f.kept ] && mv $f.kept $f");
        await context.sh("hostname hvguest");
      }
    },
  },
  {
    name: "a limit of the size of files fails the change, not the daemon",
    guests: oneGuest,
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    async run(context) {
      // 8 MiB in blocks of 512 bytes: the executable unpacks its module within it.
      const records = Math.floor((16_384 * 512) / recordBytes);
      await context.sh(`truncate -s ${(records - 1) * recordBytes} ${poolPath(0)}`);
      await context.machine.run(`cat >> ${poolPath(0)}`, 10_000, recordOf("last", "one"));
      await context.daemon.start({ environment: "LAB=1; ulimit -f 16384" });
      const kvp = await context.ready("kvp");
      assert.notEqual((await kvp.set(0, "more", "x".repeat(900))).status, KvpStatus.ok);
      assert.equal(context.daemon.isRunning, true);
      assert.equal(await context.sh(`stat -c %s ${poolPath(0)}`), String(records * recordBytes));
      assert.deepEqual(await kvp.list(0), [{ key: "last", value: "one" }]);
      await isServed(kvp, 1, "in another pool");
      assert.equal((await kvp.delete(0, "last")).status, KvpStatus.ok);
      await isServed(kvp, 0, "where there is room");
    },
  },
  {
    name: "a daemon with few descriptors serves or ends, and never says nonsense",
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    guests: ["g612"],
    seconds: 180,
    async run(context) {
      let served = 0;
      let hasEnded = false;
      for (let limit = 40; limit >= 8 && !hasEnded; limit -= 2) {
        const job = await context.daemon.start({
          as: "hv_kvp_daemon",
          environment: `LAB=1; ulimit -n ${limit}`,
        });
        const kvp = await context.host.connect("kvp");
        kvp.channel.drain();
        kvp.postNegotiation();
        while (!job.isDone && (await kvp.channel.receiveOrSilence(200)) === undefined) {
          kvp.channel.kick();
        }
        hasEnded = job.isDone;
        if (!hasEnded) {
          await kvp.negotiate();
          const keys = (await kvp.list(KvpPool.auto)).map(({ key }) => key);
          assert.equal(keys.length, intrinsicCount, `${limit} descriptors: ${keys.join(" ")}`);
          const { status } = await kvp.set(0, "key", String(limit));
          const { item } = await kvp.enumerate(0, 0);
          assert.equal(item?.value === String(limit), status === KvpStatus.ok, `${limit}`);
          served += 1;
          await context.daemon.stop("SIGTERM");
        }
        context.host.disconnect();
      }
      assert.ok(served > 0 && hasEnded, `${served} limits served`);
    },
  },
];
