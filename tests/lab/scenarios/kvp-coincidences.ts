// Data exchange while something else happens to the guest in the same moment: a freeze,
// a negotiation, a withdrawn offer, a driver that goes.

import assert from "node:assert/strict";
import { enumerateBody, type KvpHost, KvpPool, KvpStatus, setBody } from "../host/kvp.ts";
import type { Context } from "../runner/context.ts";
import { vmbusDevices } from "../vm/vmbus-devices.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";
import { debian, osName } from "./os-name.ts";
import { poolPath, readPool } from "./pool-file.ts";

/** HV_ERROR_MACHINE_LOCKED */
const machineLocked = 0x8007_04f7;

/** A daemon whose pools, with a key in one, are on a file system that can be frozen. */
async function withPoolsOnExt4(context: Context): Promise<KvpHost> {
  await context.sh("mkdir /mnt/ext4/hyperv && mount --bind /mnt/ext4/hyperv /var/lib/hyperv");
  await context.daemon.start();
  const kvp = await context.ready("kvp");
  await kvp.set(KvpPool.external, "key", "before");
  return kvp;
}

export const kvpCoincidences: readonly Scenario[] = [
  {
    name: "a change that comes during a backup is made after the thaw, and reading goes on",
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    async run(context) {
      const kvp = await withPoolsOnExt4(context);
      const vss = await context.ready("vss");
      assert.equal((await vss.freeze()).status, 0);
      assert.deepEqual(await kvp.list(KvpPool.external), [{ key: "key", value: "before" }]);
      const sent = kvp.post(setBody(KvpPool.external, "key", "meanwhile"));
      assert.equal(await kvp.channel.receiveOrSilence(1500), undefined);
      assert.equal((await vss.thaw()).status, 0);
      assert.equal((await kvp.reply(sent)).status, KvpStatus.ok);
      assert.deepEqual(await readPool(context, 0), [{ key: "key", value: "meanwhile" }]);
    },
  },
  {
    // What the agent does is its own: one kernel tells as much as three.
    name: "a change that no thaw comes for is refused, and is not made later",
    guests: ["g61"],
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    seconds: 90,
    async run(context) {
      const kvp = await withPoolsOnExt4(context);
      const vss = await context.ready("vss");
      assert.equal((await vss.freeze()).status, 0);
      const refused = await kvp.set(KvpPool.external, "key", "never");
      assert.equal(refused.status, machineLocked);
      assert.equal(await osName(kvp), debian);
      assert.equal((await vss.thaw()).status, 0);
      assert.deepEqual(await kvp.list(KvpPool.external), [{ key: "key", value: "before" }]);
      assert.equal((await kvp.set(KvpPool.external, "key", "after")).status, KvpStatus.ok);
    },
  },
  {
    // What the agent does is its own: one kernel tells as much as three.
    name: "a file system that somebody else freezes for longer than a host waits mixes up no answers",
    guests: ["g7"],
    service: "kvp",
    daemon: "none",
    seconds: 120,
    async run(context) {
      const kvp = await withPoolsOnExt4(context);
      await kvp.list(KvpPool.auto);
      await context.sh("fsfreeze --freeze /mnt/ext4");
      try {
        const late = await kvp.set(KvpPool.external, "key", "late");
        context.sawStatus("the change", late.status);
        assert.equal(late.status, KvpStatus.fail);
      } finally {
        await context.sh("fsfreeze --unfreeze /mnt/ext4");
      }
      await context.survived("kvp");
      await context.ready("kvp");
      // It registers again, which fails what the host asks in that moment.
      await until(20_000, "a change after the thaw", async () => {
        for (const [index, key] of [
          [5, "OSName"],
          [9, "ProcessorArchitecture"],
        ] as const) {
          const { status, item } = await kvp.enumerate(KvpPool.auto, index);
          assert.equal(item?.key, status === KvpStatus.ok ? key : undefined);
        }
        return (await kvp.set(KvpPool.external, "key", "after")).status === KvpStatus.ok;
      });
      assert.deepEqual(await readPool(context, 0), [{ key: "key", value: "after" }]);
    },
  },
  {
    name: "a negotiation that comes while a request is open waits for its answer",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (let round = 0; round < 5; round += 1) {
        context.daemon.signal("SIGSTOP");
        await context.sh("true");
        const sent = kvp.post(enumerateBody(KvpPool.auto, 5));
        await Bun.sleep(100);
        kvp.postNegotiation();
        assert.equal(await kvp.channel.receiveOrSilence(300), undefined);
        context.daemon.signal("SIGCONT");
        assert.equal((await kvp.reply(sent)).status, KvpStatus.ok);
        await kvp.channel.waitKicking(20_000);
        const { header } = await kvp.receiveMessage();
        assert.equal(header.type, 0);
        assert.equal(await osName(kvp), debian);
      }
    },
  },
  {
    name: "the offer is withdrawn while a change waits for another program's lock",
    service: "kvp",
    who: ["ours"],
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      for (let round = 0; round < 3; round += 1) {
        await kvp.set(KvpPool.external, "key", "kept");
        const holder = context.machine.job(
          `/mnt/share/flock -x ${poolPath(0)} -c 'echo held; sleep 60'`,
        );
        await context.sh("sleep 0.5");
        kvp.post(setBody(KvpPool.external, "key", "refused"));
        await kvp.channel.rescind(10_000);
        kvp.channel.drain();
        await kvp.channel.offer();
        await context.ready("kvp");
        assert.deepEqual(await kvp.list(KvpPool.external), [{ key: "key", value: "kept" }]);
        holder.kill("SIGKILL");
        await holder.wait();
      }
      assert.equal((await kvp.set(KvpPool.external, "key", "changed")).status, KvpStatus.ok);
    },
  },
  {
    name: "the module is unloaded and loaded again while the daemon waits",
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    seconds: 120,
    async run(context) {
      await context.daemon.start({ as: "hv_kvp_daemon" });
      const kvp = await context.ready("kvp");
      const pid = await context.daemon.pid();
      await kvp.set(KvpPool.external, "kept", "yes");
      const device = vmbusDevices.kvp.instanceId;
      for (let round = 0; round < 3; round += 1) {
        await context.sh(`echo ${device} > /sys/bus/vmbus/drivers/hv_utils/unbind; rmmod hv_utils`);
        await kvp.channel.closed();
        await context.sh("sleep 0.5; insmod /usr/lib/hvmods/hv_utils.ko");
        await kvp.channel.opened();
        await context.ready("kvp");
        assert.equal(await osName(kvp), debian);
        assert.deepEqual(await kvp.list(KvpPool.external), [{ key: "kept", value: "yes" }]);
      }
      assert.equal(context.daemon.isRunning, true);
      assert.equal(await context.daemon.pid(), pid);
    },
  },
];
