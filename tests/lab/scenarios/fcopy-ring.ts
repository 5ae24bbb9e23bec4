// File copy over the ring: what its host may do with packets, and who reads it.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type FcopyHost, fragmentBytes, startBody, writeBody } from "../host/fcopy.ts";
import { encodeMessage, encodeVersions, MessageType } from "../host/ic-message.ts";
import { ourBinary } from "../runner/daemon.ts";
import { type Context, statusText } from "../runner/context.ts";
import type { GuestName } from "../vm/cache.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertContent } from "./arrived-file.ts";
import { effort } from "./daemon-effort.ts";

const ok = "0x00000000";
const failed = "0x80004005";
const guests: readonly GuestName[] = ["g612", "g7"];
const type = MessageType.fcopy;
const vmbusClass = "34d14be3-dee4-41c8-9ae7-6b174977c192";

/** The bodies of a copy in order: START, every WRITE, COMPLETE. */
function bodiesOf(fileName: string, content: Uint8Array): Uint8Array[] {
  const fileSize = BigInt(content.length);
  const bodies: Uint8Array[] = [startBody({ pathName: "/tmp/", fileName, fileSize, flags: 1 })];
  for (let offset = 0; offset < content.length; offset += fragmentBytes) {
    bodies.push(writeBody(BigInt(offset), content.subarray(offset, offset + fragmentBytes)));
  }
  const complete = Buffer.alloc(36);
  complete.writeUInt32LE(2, 0);
  return [...bodies, complete];
}

/** Sends every request before it looks at an answer; checks that all come, in order. */
async function copyAtOnce(
  context: Context,
  fcopy: FcopyHost,
  name: string,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const content = randomBytes(400 * fragmentBytes + 11);
  const sent = bodiesOf(name, content).map((body) => fcopy.post(body));
  await meanwhile();
  for (const header of sent) {
    assert.equal(statusText((await fcopy.reply(header)).status), ok, name);
  }
  await assertContent(context, `/tmp/${name}`, content);
}

async function goodFile(context: Context, fcopy: FcopyHost, after: string): Promise<void> {
  const copied = await fcopy.copy("/tmp/", "good", Buffer.from(after), { flags: 1 });
  assert.equal(statusText(copied.status), ok, `a good file after ${after}: ${copied.step}`);
  assert.equal(await context.sh("cat /tmp/good"), after);
}

export const fcopyRing: readonly Scenario[] = [
  {
    name: "every offer of versions is answered, whatever its counts say",
    service: "fcopy",
    guests,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const v = (major: number, minor: number) => ({ major, minor });
      const many = Array.from({ length: 60 }, (_, index) => v(index + 10, 0));
      for (const [label, frameworks, messages, counts, expected] of [
        ["the oldest framework", [v(1, 0)], [v(1, 1)], {}, "1/1 1.0 1.1"],
        ["many versions", [...many, v(3, 0)], [...many, v(1, 1)], {}, "1/1 3.0 1.1"],
        ["no framework", [], [v(1, 1)], {}, "0/0"],
        ["no message version", [v(3, 0)], [], {}, "0/0"],
        ["none at all", [], [], {}, "0/0"],
        ["only unknown ones", [v(9, 9)], [v(9, 9)], {}, "0/0"],
        ["a message version too new", [v(3, 0)], [v(5, 0)], {}, "0/0"],
        ["counts too large", [v(3, 0)], [v(1, 1)], { frameworks: 9, messages: 9 }, "0/0"],
        [
          "the largest counts",
          [v(3, 0)],
          [v(1, 1)],
          { frameworks: 65_535, messages: 65_535 },
          "0/0",
        ],
        ["counts of 0", [v(3, 0)], [v(1, 1)], { frameworks: 0, messages: 0 }, "0/0"],
        [
          "more than are counted",
          [v(3, 0), v(1, 1), v(8, 8)],
          [],
          { frameworks: 1, messages: 1 },
          "1/1 3.0 1.1",
        ],
      ] as const) {
        const body = encodeVersions(frameworks, messages, counts);
        fcopy.channel.send(encodeMessage({ type: MessageType.negotiate }, body));
        const packet = await fcopy.channel.receiveOrSilence(20_000);
        const answer = packet === undefined ? "nothing" : versionsOf(packet.payload);
        context.expect(label, answer, expected);
        await fcopy.negotiate();
        await goodFile(context, fcopy, label);
      }
    },
  },
  {
    name: "an answer carries the number of its request, with or without a completion flag",
    service: "fcopy",
    guests,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const content = randomBytes(3 * fragmentBytes);
      for (const isCompletionRequested of [false, true]) {
        for (const transactionId of [0n, 7n, 7n, (1n << 64n) - 1n, 1n << 63n]) {
          for (const body of bodiesOf("numbered", content)) {
            const packet = encodeMessage({ type, transaction: 0 }, body);
            fcopy.channel.send(packet, { transactionId, isCompletionRequested });
            const answer = await fcopy.channel.receive(20_000);
            context.expect(
              `number ${transactionId}`,
              String(answer.transactionId),
              String(transactionId),
            );
            context.expect("type", answer.packetType, 6);
            context.expect("completion", answer.isCompletionRequested, false);
            context.expect("status", statusText(Buffer.from(answer.payload).readUInt32LE(20)), ok);
          }
        }
      }
      await assertContent(context, "/tmp/numbered", content);
    },
  },
  {
    name: "packets of another VMBus type are passed over",
    service: "fcopy",
    // The C daemon reads them as messages, or waits for ever behind them.
    who: ["ours"],
    guests,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const body = startBody({ pathName: "/tmp/", fileName: "other", fileSize: 0n });
      for (const packetType of [0, 1, 2, 5, 7, 8, 9, 10, 11, 12, 255, 65_535]) {
        for (const length of [0, 8, 28, 1116]) {
          const packet = encodeMessage({ type }, body).subarray(0, length);
          fcopy.channel.send(packet, { packetType, isCompletionRequested: length === 28 });
        }
        const answer = await fcopy.channel.receiveOrSilence(300);
        context.expect(`type ${packetType}`, answer === undefined, true);
        fcopy.channel.drain();
      }
      await goodFile(context, fcopy, "other packets");
      assert.equal(await context.sh("ls /tmp/other 2>/dev/null; true"), "");
    },
  },
  {
    name: "requests that come all at once are answered each, in order",
    service: "fcopy",
    // The C daemon reads one packet for each signal, and stops.
    who: ["ours"],
    guests,
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await copyAtOnce(context, fcopy, "burst", () => Promise.resolve());
      await copyAtOnce(context, fcopy, "burst", () => Promise.resolve());
    },
  },
  {
    name: "a host that does not read gets every answer later, and costs nothing meanwhile",
    service: "fcopy",
    who: ["ours"],
    guests,
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      fcopy.channel.pause();
      await copyAtOnce(context, fcopy, "unread", async () => {
        // Until the ring is full of answers that nobody takes.
        await Bun.sleep(5000);
        const before = await effort(context);
        await Bun.sleep(5000);
        const used = (await effort(context)).ticks - before.ticks;
        assert.ok(used < 50, `${used} ticks in five seconds`);
        fcopy.channel.resume();
      });
      await goodFile(context, fcopy, "answers that were not read");
    },
  },
  {
    name: "a host that goes while nothing is read does not hold the agent up",
    service: "fcopy",
    who: ["ours"],
    guests,
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      fcopy.channel.pause();
      for (const body of bodiesOf("withdrawn", randomBytes(400 * fragmentBytes))) {
        fcopy.post(body);
      }
      await Bun.sleep(3000);
      fcopy.channel.rescindOnly();
      fcopy.channel.resume();
      await fcopy.channel.released();
      fcopy.channel.drain();
      await fcopy.channel.offer();
      await goodFile(context, await context.ready("fcopy"), "a withdrawal");
    },
  },
  {
    name: "sizes that lie in a header change nothing",
    service: "fcopy",
    guests,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const content = randomBytes(2 * fragmentBytes);
      for (const lie of [0, 1, 27, 28, 1000, 65_535]) {
        for (const body of bodiesOf("lie", content)) {
          const header = {
            type,
            bodyBytes: lie,
            pipeBytes: lie * 65_537,
            status: 0xdead,
            flags: 255,
          };
          fcopy.channel.send(encodeMessage(header, body));
          const answer = Buffer.from((await fcopy.channel.receive(20_000)).payload);
          context.expect(`status of ${lie}`, statusText(answer.readUInt32LE(20)), ok);
          context.expect("flags", answer.readUInt8(25), 5);
        }
        await assertContent(context, "/tmp/lie", content);
      }
    },
  },
  {
    name: "a second agent leaves the ring to the first, and has it when the first is gone",
    service: "fcopy",
    who: ["ours"],
    guests,
    seconds: 120,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      const second = context.machine.job(
        `ln -sf ${ourBinary} /run/names/hv_fcopy_uio_daemon; cd /; ` +
          "exec /run/names/hv_fcopy_uio_daemon -n >> /var/log/second.log 2>&1",
      );
      for (let round = 0; round < 10; round += 1) {
        await goodFile(context, fcopy, `round ${round} beside a second agent`);
        await Bun.sleep(200);
      }
      await context.daemon.stop("SIGKILL");
      if (second.isDone) {
        await context.daemon.start();
      }
      await goodFile(context, await context.ready("fcopy"), "the end of the first agent");
      second.kill("SIGTERM");
      await second.wait(20_000);
    },
  },
  {
    name: "the driver is bound by the agent, also when it knows the class and has let go",
    service: "fcopy",
    who: ["ours"],
    guests,
    seconds: 120,
    async run(context) {
      await context.ready("fcopy");
      const driver = "/sys/bus/vmbus/drivers/uio_hv_generic";
      const device = await context.sh(`cd ${driver}; ls -d *-*-*-*-* | head -1`);
      await context.daemon.stop("SIGTERM");
      for (const undo of [
        `echo ${device} > ${driver}/unbind`,
        `echo ${device} > ${driver}/unbind; echo ${vmbusClass} > ${driver}/remove_id || true`,
      ]) {
        await context.sh(undo);
        await context.daemon.start();
        await goodFile(context, await context.ready("fcopy"), undo);
        await context.daemon.stop("SIGTERM");
      }
    },
  },
  {
    name: "a request before any negotiation fails, and the next file arrives",
    service: "fcopy",
    who: ["ours"],
    guests,
    async run(context) {
      const fcopy = await context.ready("fcopy");
      await context.daemon.stop("SIGTERM");
      await context.daemon.start();
      await fcopy.channel.opened();
      await fcopy.channel.receiveOrSilence(1000);
      const early = await fcopy.startCopy({ pathName: "/tmp/", fileName: "early", fileSize: 0n });
      assert.equal(statusText(early.status), failed);
      await goodFile(context, await context.ready("fcopy"), "a request that came too early");
    },
  },
];

/** `1/1 3.0 1.1` of a negotiation's answer. */
function versionsOf(payload: Uint8Array): string {
  const bytes = Buffer.from(payload);
  const [frameworks, messages] = [bytes.readUInt16LE(28), bytes.readUInt16LE(30)];
  if (frameworks !== 1 || messages !== 1) {
    return `${frameworks}/${messages}`;
  }
  const version = (offset: number) =>
    `${bytes.readUInt16LE(offset)}.${bytes.readUInt16LE(offset + 2)}`;
  return `1/1 ${version(36)} ${version(40)}`;
}
