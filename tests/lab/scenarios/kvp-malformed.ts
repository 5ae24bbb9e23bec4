// Data exchange: requests and packets that are not in order, each followed by one that is.

import assert from "node:assert/strict";
import {
  decodeMessage,
  encodeMessage,
  encodeVersions,
  headerBytes,
  MessageType,
} from "../host/ic-message.ts";
import {
  deleteBody,
  enumerateBody,
  getBody,
  ipBody,
  type KvpHost,
  KvpOperation,
  KvpPool,
  KvpStatus,
  kvpBody,
  setBody,
} from "../host/kvp.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";

/** Long enough for any answer that comes at all, short of the kernel's 30 s. */
const silenceMilliseconds = 700;

/** A good request: it must be served whatever came before it. */
async function goodRequest(context: Context, kvp: KvpHost, after: string): Promise<void> {
  const survived = await context.survived("kvp");
  if (!survived) {
    context.saw(`${after}: the daemon`, "died");
  }
  assert.equal(survived || context.who === "c", true, `the daemon died after ${after}`);
  const { status, item } = await kvp.enumerate(KvpPool.auto, 5);
  assert.equal(status, KvpStatus.ok, `a good request after ${after}`);
  assert.equal(item?.key, "OSName", `a good request after ${after}`);
}

export const kvpMalformed: readonly Scenario[] = [
  {
    name: "a pool above four gets a failure and the next request is served",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const pool of [5, 6, 200, 255]) {
        for (const [operation, body] of Object.entries({
          enumerate: enumerateBody(pool, 0),
          get: getBody(pool, "key"),
          set: setBody(pool, "key", "value"),
          delete: deleteBody(pool, "key"),
        })) {
          if (context.who === "c" && !(pool === 200 && operation === "enumerate")) {
            continue; // The C daemon dies of the first one already.
          }
          const label = `${operation} in pool ${pool}`;
          const answer = await context.answer(kvp.request(body));
          context.expect(label, answer, "0x80070057");
          await goodRequest(context, kvp, label);
        }
      }
    },
  },
  {
    name: "an unknown operation gets a failure and the next request is served",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const operation of [6, 7, 8, 50, 99, 100, 101, 128, 255]) {
        for (const pool of [0, 2, 9]) {
          const label = `operation ${operation} in pool ${pool}`;
          const answer = await context.answer(kvp.request(kvpBody(operation, pool)));
          context.expect(label, answer, "0x80070032");
          await goodRequest(context, kvp, label);
        }
      }
    },
  },
  {
    name: "sizes that are not those of the text get an answer",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      const sizes = [0, 1, 2, 3, 511, 512, 513, 2048, 2049, 65_535, 0x7fff_ffff, 0xffff_ffff];
      for (const size of sizes) {
        const requests = {
          "key of SET": setBody(1, "key", "value", { keyBytes: size }),
          "value of SET": setBody(1, "key", "value", { valueBytes: size }),
          "key of DELETE": deleteBody(1, "key", size),
        };
        for (const [name, body] of Object.entries(requests)) {
          const label = `${name} of ${size} bytes`;
          const answer = await context.answer(kvp.request(body));
          context.saw(label, answer);
          assert.notEqual(answer, "no answer");
          await goodRequest(context, kvp, label);
        }
      }
      const items = await kvp.list(1);
      context.saw("items", items.map(({ key, value }) => `${key}=${value}`).join(" "));
    },
  },
  {
    name: "a request cut at any length is survived",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      const packet = encodeMessage(
        { type: MessageType.keyValue, message: { major: 4, minor: 0 } },
        setBody(1, "cut", "value"),
      );
      const lengths = [
        0, 1, 7, 8, 12, 20, 27, 28, 29, 30, 32, 36, 43, 44, 60, 500, 560, 3000, 7400,
      ];
      for (const length of lengths) {
        kvp.channel.send(packet.subarray(0, length));
        const answer = await kvp.channel.receiveOrSilence(
          length < headerBytes ? silenceMilliseconds : 40_000,
        );
        context.saw(`${length} bytes`, answer === undefined ? "no answer" : "answer");
        await goodRequest(context, kvp, `${length} bytes`);
      }
    },
  },
  {
    name: "odd header fields are survived",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      const headers = {
        "type 1": { type: MessageType.heartbeat },
        "type 3": { type: MessageType.shutdown },
        "type 9": { type: 9 },
        "type 65535": { type: 65_535 },
        "body of 0 bytes": { bodyBytes: 0 },
        "body of 65535 bytes": { bodyBytes: 65_535 },
        "pipe of 0 bytes": { pipeBytes: 0 },
        "pipe of 4 GiB": { pipeBytes: 0xffff_ffff },
        "pipe flags 0": { pipeFlags: 0 },
        "a response": { flags: 4 },
        "no flags": { flags: 0 },
        "all flags": { flags: 255 },
        "status already failed": { status: KvpStatus.fail },
        "framework 0.0": { framework: { major: 0, minor: 0 } },
        "message 9.9": { message: { major: 9, minor: 9 } },
        "reserved set": { reserved: 65_535 },
      };
      for (const [name, header] of Object.entries(headers)) {
        kvp.post(enumerateBody(KvpPool.auto, 5), header);
        const isKnown = header === headers["all flags"] || !("type" in header);
        const answer = await kvp.channel.receiveOrSilence(isKnown ? 40_000 : silenceMilliseconds);
        context.saw(name, answer === undefined ? "no answer" : "answer");
        kvp.channel.drain();
        await goodRequest(context, kvp, name);
      }
    },
  },
  {
    name: "a packet that wants a completion, and one of another VMBus type, are survived",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const packet = encodeMessage(
        { type: MessageType.keyValue, transaction: 9 },
        enumerateBody(2, 5),
      );
      for (const [name, options] of Object.entries({
        completion: { isCompletionRequested: true },
        "type 11": { packetType: 11 },
        "type 7": { packetType: 7 },
      })) {
        kvp.channel.send(packet, options);
        const answer = await kvp.channel.receiveOrSilence(2000);
        context.saw(
          name,
          answer === undefined ? "no answer" : `packet of type ${answer.packetType}`,
        );
        kvp.channel.drain();
        await goodRequest(context, kvp, name);
      }
    },
  },
  {
    name: "a host negotiates again at any time, with odd versions too",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await kvp.set(0, "kept", "yes");
      for (const [major, minor] of [
        [1, 0],
        [3, 0],
        [4, 0],
      ] as const) {
        const { message } = await kvp.negotiate({ messages: [{ major, minor }] });
        context.saw(`offered ${major}.${minor}`, `${message.major}.${message.minor}`);
        assert.deepEqual(await kvp.list(0), [{ key: "kept", value: "yes" }]);
      }
      const header = { type: MessageType.negotiate, framework: { major: 1, minor: 0 } };
      for (const [name, body] of Object.entries({
        "no versions": encodeVersions([], []),
        "unknown versions": encodeVersions([{ major: 9, minor: 9 }], [{ major: 9, minor: 9 }]),
        "counts of 65535": encodeVersions([], [], { frameworks: 65_535, messages: 65_535 }),
        "cut after the counts": encodeVersions([], [], { frameworks: 1, messages: 1 }),
      })) {
        kvp.channel.send(encodeMessage(header, body));
        await kvp.channel.receiveOrSilence(silenceMilliseconds);
        kvp.channel.drain();
        await kvp.negotiate();
        await goodRequest(context, kvp, name);
      }
    },
  },
  {
    name: "several requests at once are answered in their order",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (let round = 0; round < 5; round += 1) {
        const sent = [0, 5, 9].map((index) => kvp.post(enumerateBody(KvpPool.auto, index)));
        const answered: number[] = [];
        // hv_utils may lose one of them: its interrupt handler and its tasklet share a buffer.
        await kvp.channel.waitKicking(30_000);
        while (answered.length < sent.length) {
          const packet = await kvp.channel.receiveOrSilence(2500);
          if (packet === undefined) {
            break;
          }
          const { header } = decodeMessage(packet.payload);
          assert.equal(header.status, KvpStatus.ok);
          answered.push(header.transaction);
        }
        const order = sent.map(({ transaction }) => transaction);
        assert.ok(answered.length > 0);
        assert.deepEqual(
          answered,
          order.filter((transaction) => answered.includes(transaction)),
        );
        kvp.channel.kick();
        while ((await kvp.channel.receiveOrSilence(200)) !== undefined) {
          // One that the kick has woken.
        }
        await goodRequest(context, kvp, "several at once");
      }
    },
  },
  {
    name: "IP requests that are not in order are answered",
    service: "kvp",
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const [name, info] of Object.entries({
        "no adapter": {},
        "an adapter that is no MAC": { adapter: "x".repeat(126) },
        "a MAC of another machine": { adapter: "00:15:5D:00:00:01" },
        "a format string": { adapter: "%s%n$(reboot)" },
        "a lone surrogate": { adapter: "\ud83d" },
      })) {
        const body = ipBody(KvpOperation.getIpInfo, info);
        context.saw(`get for ${name}`, await context.answer(kvp.request(body)));
        await goodRequest(context, kvp, `get for ${name}`);
      }
      const set = ipBody(KvpOperation.setIpInfo, {
        adapter: "{f8615163-0000-1000-2000-000000000001}",
        family: 1,
        addresses: "192.0.2.7",
        subnets: "255.255.255.0",
      });
      const answer = await context.answer(kvp.request(set));
      context.saw("set for an unknown adapter", answer);
      assert.notEqual(answer, "0x00000000");
      await goodRequest(context, kvp, "set for an unknown adapter");
      const short = kvpBody(KvpOperation.getIpInfo, 0, 40);
      context.saw("get of 40 bytes", await context.answer(kvp.request(short)));
      await goodRequest(context, kvp, "get of 40 bytes");
    },
  },
];
