// Backup: the order of requests, and what is frozen.

import assert from "node:assert/strict";
import { VssOperation } from "../host/vss.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertFrozen, assertThawed, disks, isWritable } from "./guest-mounts.ts";

export const vssFreeze: readonly Scenario[] = [
  {
    name: "twenty checkpoints freeze and thaw twenty times",
    service: "vss",
    seconds: 180,
    async run(context) {
      const vss = await context.ready("vss");
      for (let cycle = 0; cycle < 20; cycle += 1) {
        const { check, freeze, thaw } = await vss.checkpoint(() => Promise.resolve());
        assert.deepEqual([check.status, freeze.status, thaw.status], [0, 0, 0]);
      }
      await assertThawed(context);
    },
  },
  {
    name: "a second freeze is done already",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await vss.freeze();
      const { status } = await vss.freeze();
      context.sawStatus("second freeze", status);
      assert.equal(status, 0);
      await assertFrozen(context);
      assert.equal((await vss.thaw()).status, 0);
      await assertThawed(context);
    },
  },
  {
    name: "a thaw of nothing is done already",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      const { status } = await vss.thaw();
      context.sawStatus("thaw", status);
      assert.equal(status, 0);
    },
  },
  {
    name: "every operation gets an answer, and the next one too",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      const { create, delete: remove, getDiskInfo, backupComplete, autoRecover } = VssOperation;
      for (const operation of [
        create,
        remove,
        getDiskInfo,
        backupComplete,
        autoRecover,
        8,
        99,
        255,
      ]) {
        const { status } = await vss.operate(operation);
        context.sawStatus(`operation ${operation}`, status);
      }
      assert.equal((await vss.check()).status, 0);
    },
  },
  {
    name: "the long messages of newer hosts freeze and thaw as well",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      const freeze = await vss.operate(VssOperation.freeze, { bytes: 6260, milliseconds: 90_000 });
      assert.equal(freeze.status, 0);
      await assertFrozen(context);
      assert.equal((await vss.thaw()).status, 0);
    },
  },
  {
    name: "a file system in a file of another one freezes without a dead lock",
    service: "vss",
    guests: ["g61"],
    async run(context) {
      await context.sh(
        "dd if=/dev/zero of=/mnt/ext4/inner.img bs=1M count=8 2>/dev/null; " +
          "mkfs.ext4 -qF /mnt/ext4/inner.img || mke2fs -F /mnt/ext4/inner.img; mkdir -p /mnt/inner; " +
          "mount -o loop /mnt/ext4/inner.img /mnt/inner",
      );
      try {
        const vss = await context.ready("vss");
        const { freeze, thaw } = await vss.checkpoint(() => assertFrozen(context));
        context.sawStatus("freeze", freeze.status);
        assert.deepEqual([freeze.status, thaw.status], [0, 0]);
        await assertThawed(context, [...disks, "/mnt/inner"]);
      } finally {
        await context.sh("umount /mnt/inner; rm -f /mnt/ext4/inner.img");
      }
    },
  },
  {
    name: "a file system that is mounted twice freezes once",
    service: "vss",
    async run(context) {
      await context.sh("mkdir -p /mnt/again; mount --bind /mnt/xfs /mnt/again");
      try {
        const vss = await context.ready("vss");
        const { freeze, thaw } = await vss.checkpoint(() => assertFrozen(context));
        context.sawStatus("freeze", freeze.status);
        context.sawStatus("thaw", thaw.status);
        assert.deepEqual([freeze.status, thaw.status], [0, 0]);
        await assertThawed(context);
      } finally {
        await context.sh("umount /mnt/again");
      }
    },
  },
  {
    name: "a read-only file system is left alone",
    service: "vss",
    async run(context) {
      await context.sh("mount -o remount,ro /mnt/ext4");
      try {
        const vss = await context.ready("vss");
        const { freeze, thaw } = await vss.checkpoint(() => assertFrozen(context, ["/mnt/xfs"]));
        assert.deepEqual([freeze.status, thaw.status], [0, 0]);
      } finally {
        await context.sh("mount -o remount,rw /mnt/ext4");
      }
      await assertThawed(context);
    },
  },
  {
    // Microsoft's tests expect the failure; the C daemon succeeds and thaws it.
    name: "a file system that somebody else has frozen fails the freeze and stays theirs",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await context.sh("fsfreeze --freeze /mnt/xfs");
      const { status } = await vss.freeze();
      context.expect("freeze fails", status !== 0, true);
      await vss.thaw();
      await assertThawed(context, ["/mnt/ext4"]);
      context.expect("still theirs", !(await isWritable(context, "/mnt/xfs")), true);
      await context.sh("fsfreeze --unfreeze /mnt/xfs || true");
      await assertThawed(context);
    },
  },
  {
    name: "a file system that is unmounted after the check is passed over",
    service: "vss",
    async run(context) {
      const vss = await context.ready("vss");
      await vss.check();
      await context.sh("umount /mnt/xfs");
      try {
        const freeze = await vss.freeze();
        const thaw = await vss.thaw();
        assert.deepEqual([freeze.status, thaw.status], [0, 0]);
      } finally {
        await context.sh("mount -t xfs $(findfs LABEL=xfs 2>/dev/null || echo /dev/vdb) /mnt/xfs");
      }
    },
  },
  {
    name: "a daemon that starts anew serves the next checkpoint",
    service: "vss",
    async run(context) {
      await context.ready("vss");
      await context.daemon.restart("SIGTERM");
      const vss = await context.ready("vss");
      const { freeze, thaw } = await vss.checkpoint(() => assertFrozen(context));
      assert.deepEqual([freeze.status, thaw.status], [0, 0]);
      await assertThawed(context);
    },
  },
  {
    name: "the daemon is one process by its name, and its guard is another",
    service: "vss",
    who: ["ours"],
    daemon: "none",
    async run(context) {
      await context.daemon.start({ as: "hypervvssd" });
      const vss = await context.ready("vss");
      assert.equal(
        await context.sh("cat /proc/[0-9]*/comm | grep -cx 'hypervvssd\\|hv_vss_daemon'"),
        "1",
      );
      await vss.freeze();
      assert.equal(await context.sh("cat /proc/[0-9]*/comm | grep -cx hvguest-guard"), "1");
      await vss.thaw();
      assert.equal(await context.sh("cat /proc/[0-9]*/comm | grep -cx hvguest-guard"), "1");
    },
  },
];
