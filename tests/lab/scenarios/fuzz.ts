// Hosts that have gone mad: packets from a seed, after each burst of them a good
// request. LAB_FUZZ_PACKETS and LAB_FUZZ_SEED change how many and which.

import assert from "node:assert/strict";
import type { Component } from "../host/component.ts";
import { fuzzPacket } from "../host/fuzz.ts";
import { decodeMessage, MessageType } from "../host/ic-message.ts";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import { Random } from "../host/random.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { DeadlineError } from "../vm/deadline.ts";

const packets = Number(process.env["LAB_FUZZ_PACKETS"] ?? 200);
const seed = Number(process.env["LAB_FUZZ_SEED"] ?? 20_261_126);
const burst = 10;

/** Sends one packet after the other; waits for an answer as long as one may come. */
async function fuzz(
  context: Context,
  component: Component,
  check: (label: string) => Promise<void>,
): Promise<void> {
  const random = new Random(seed);
  const pid = await context.daemon.pid();
  for (let sent = 0; sent < packets; sent += burst) {
    for (let index = 0; index < burst; index += 1) {
      component.channel.send(fuzzPacket(random, component.description.type));
      await component.channel.receiveOrSilence(50);
    }
    const label = `seed ${seed}, packets up to ${sent + burst}`;
    await settle(component);
    await check(label);
    assert.equal(await context.daemon.pid(), pid, label);
    assert.equal(context.daemon.isRunning, true, label);
  }
}

/**
 * Waits until nothing of the burst is left, however long the guest takes: answers come
 * in the order of requests, so that to a negotiation with a number of its own is the
 * last. hv_utils reads one packet for each signal and does not look again after one
 * that it throws away, hence the kicks; and a kick at the wrong moment loses a packet,
 * hence another negotiation after some of them.
 */
async function settle(component: Component): Promise<void> {
  const { channel } = component;
  for (let number = 1; number <= settleNegotiations; number += 1) {
    component.postNegotiation({ header: { reserved: number } });
    for (let silences = 0; silences < 5; ) {
      const packet = await channel.receiveOrSilence(1000);
      if (packet === undefined) {
        silences += 1;
        channel.kick();
      } else if (isNegotiation(packet.payload, number)) {
        await component.negotiate();
        return;
      }
    }
  }
  throw new DeadlineError("no negotiation after the burst was answered");
}

/** More than the 30 s after which hv_utils gives a daemon up, several times. */
const settleNegotiations = 24;

/** Whether the answer is that to the negotiation with this number. */
function isNegotiation(payload: Uint8Array, number: number): boolean {
  const { header } = decodeMessage(payload);
  return header.type === MessageType.negotiate && header.reserved === number;
}

const seconds = 120 + 2 * packets;

export const fuzzing: readonly Scenario[] = [
  {
    name: "a mad KVP host does no harm",
    service: "kvp",
    who: ["ours"],
    seconds,
    async run(context) {
      const kvp = await context.ready("kvp");
      await fuzz(context, kvp, async (label) => {
        const { status, item } = await kvp.enumerate(KvpPool.auto, 5);
        assert.equal(status, KvpStatus.ok, label);
        assert.equal(item?.key, "OSName", label);
        assert.equal((await kvp.set(KvpPool.external, "good", label)).status, KvpStatus.ok, label);
      });
      const keys = (await kvp.list(KvpPool.external)).map(({ key }) => key);
      assert.ok(keys.includes("good"));
    },
  },
  {
    name: "a mad backup host does no harm",
    service: "vss",
    who: ["ours"],
    seconds,
    async run(context) {
      const vss = await context.ready("vss");
      await fuzz(context, vss, async (label) => {
        assert.equal((await vss.check()).status, 0, label);
        await context.sh("echo x > /mnt/ext4/x && echo x > /mnt/xfs/x");
      });
    },
  },
  {
    name: "a mad file copy host does no harm",
    service: "fcopy",
    who: ["ours"],
    seconds,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await context.sh("mkdir -p /tmp/fuzz /tmp/good");
      await fuzz(context, fcopy, async (label) => {
        const copied = await fcopy.copy("/tmp/good/", "file", Buffer.from(label), { flags: 1 });
        assert.equal(copied.status, 0, `${label}: ${copied.step}`);
        assert.equal(await context.sh("cat /tmp/good/file"), label);
      });
      await fcopy.cancel();
      assert.equal(await context.sh("ls -A /tmp/good"), "file");
    },
  },
];
