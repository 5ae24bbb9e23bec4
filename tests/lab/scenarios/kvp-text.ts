// Data exchange: text at its limits, from the host and from other programs of the guest.

import assert from "node:assert/strict";
import { KvpStatus, kvpBody, setBody } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { recordOf, writePool } from "./pool-file.ts";

/** Texts with their UTF-16 units and UTF-8 bytes near a limit. */
const alphabets = { ascii: "x", latin: "é", chinese: "漢", emoji: "🙂" } as const;

function hash(text: string): string {
  return `${text.length} units ${new Bun.CryptoHasher("md5").update(text).digest("hex").slice(0, 8)}`;
}

/** Makes a text of exactly so many UTF-16 units, or one less when a pair does not fit. */
function ofUnits(letter: string, units: number): string {
  return letter.repeat(Math.floor(units / letter.length));
}

export const kvpText: readonly Scenario[] = [
  {
    name: "keys of 254 and values of 1022 units come back whole, longer ones are cut",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const [keyUnits, valueUnits] of [
        [1, 1],
        [253, 1021],
        [254, 1022],
        [255, 1023],
      ] as const) {
        const key = ofUnits("k", keyUnits);
        const value = ofUnits("v", valueUnits);
        const status = await context.answer(kvp.set(0, key, value));
        context.saw(`set ${keyUnits}/${valueUnits}`, status);
        const [item] = await kvp.list(0);
        context.saw(
          `read ${keyUnits}/${valueUnits}`,
          item ? `${item.key.length}/${item.value.length}` : "none",
        );
        if (keyUnits <= 254) {
          assert.deepEqual(item, { key, value });
        }
        await kvp.delete(0, key);
        await context.sh(": > /var/lib/hyperv/.kvp_pool_0");
      }
    },
  },
  {
    name: "text of every script at the limits is never cut inside a character",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const [name, letter] of Object.entries(alphabets)) {
        for (const units of [250, 254]) {
          const key = ofUnits(letter, units);
          const value = `a${ofUnits(letter, units * 4)}`;
          context.saw(`${name} ${units}: set`, await context.answer(kvp.set(0, key, value)));
          const listed = await kvp.list(0);
          context.saw(`${name} ${units}: items`, listed.length);
          for (const item of listed) {
            context.saw(`${name} ${units}: key`, hash(item.key));
            context.saw(`${name} ${units}: value`, hash(item.value));
            assert.ok(item.key.isWellFormed() && item.value.isWellFormed());
            assert.ok(key.startsWith(item.key) && value.startsWith(item.value));
          }
          await context.sh(": > /var/lib/hyperv/.kvp_pool_0");
        }
      }
    },
  },
  {
    name: "halves of surrogate pairs from the host are answered and do no harm",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const [name, text] of [
        ["high", "a\ud83d"],
        ["low", "a\ude42b"],
        ["swapped", "\ude42\ud83d"],
        ["twice", "\ud83d\ud83d\ude42"],
      ] as const) {
        context.saw(`${name}: set`, await context.answer(kvp.set(0, `key ${name}`, text)));
        context.saw(`${name}: key`, await context.answer(kvp.set(0, text, name)));
      }
      const items = await kvp.list(0);
      context.saw("items", items.map(({ key, value }) => JSON.stringify([key, value])).join(" "));
      assert.ok(items.every(({ key, value }) => key.isWellFormed() && value.isWellFormed()));
      assert.equal((await kvp.set(0, "after", "fine")).status, KvpStatus.ok);
    },
  },
  {
    name: "text without a terminator is answered and the next request is served",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const unended = setBody(0, "k".repeat(300), "v".repeat(1100), {
        keyBytes: 512,
        valueBytes: 2048,
      });
      context.saw("set", await context.answer(kvp.request(unended)));
      const deleted = kvpBody(2, 0);
      deleted.writeUInt32LE(512, 4);
      deleted.fill("k\0", 8, 520, "latin1");
      context.saw("delete", await context.answer(kvp.request(deleted)));
      assert.equal((await kvp.set(1, "after", "fine")).status, KvpStatus.ok);
      assert.deepEqual(await kvp.list(1), [{ key: "after", value: "fine" }]);
    },
  },
  {
    name: "records of others that are longer than the wire are cut on a character for the host alone",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const records = [
        { key: "k".repeat(511), value: "v".repeat(2047) },
        { key: `${"k".repeat(253)}🙂k`, value: `${"v".repeat(1021)}🙂v` },
        { key: "漢".repeat(170), value: "漢".repeat(682) },
        { key: "last", value: "fine" },
      ];
      const content = Buffer.concat(records.map(({ key, value }) => recordOf(key, value)));
      await writePool(context, 1, content);
      for (const [index, record] of records.entries()) {
        const { status, item } = await kvp.enumerate(1, index);
        context.sawStatus(`record ${index}`, status);
        context.saw(`record ${index}: key`, item ? hash(item.key) : "none");
        context.saw(`record ${index}: value`, item ? hash(item.value) : "none");
        assert.equal(status, KvpStatus.ok);
        assert.ok(item && record.key.startsWith(item.key) && record.value.startsWith(item.value));
        assert.ok(item.key.length >= Math.min(record.key.length, 253));
        assert.ok(item.value.length >= Math.min(record.value.length, 1021));
      }
      assert.deepEqual(await context.machine.readFile("/var/lib/hyperv/.kvp_pool_1"), content);
    },
  },
  {
    name: "one record that is not UTF-8 does not end the host's enumeration",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const bad = {
        "lone byte": [0xff],
        "cut sequence": [0x61, 0xe6, 0xbc],
        overlong: [0xc0, 0xaf],
        surrogate: [0xed, 0xa0, 0x80],
        "past Unicode": [0xf4, 0x90, 0x80, 0x80],
      };
      for (const [name, value] of Object.entries(bad)) {
        const content = Buffer.concat([
          recordOf("first", "fine"),
          recordOf("bad", Uint8Array.from(value)),
          recordOf(Uint8Array.from(value.slice(0, 500)), "bad key"),
          recordOf("last", "fine"),
        ]);
        await writePool(context, 1, content);
        const statuses: string[] = [];
        for (const index of [0, 1, 2, 3, 4]) {
          statuses.push(await context.answer(kvp.enumerate(1, index)));
        }
        const ok = "0x00000000";
        context.expect(name, statuses.join(" "), [ok, ok, ok, ok, "0x80070103"].join(" "));
        assert.deepEqual((await kvp.enumerate(1, 3)).item, { key: "last", value: "fine" });
        assert.deepEqual(await context.machine.readFile("/var/lib/hyperv/.kvp_pool_1"), content);
      }
    },
  },
  {
    name: "a record without any terminator is passed on in a safe form",
    service: "kvp",
    ruinsGuest: ["c"],
    async run(context) {
      const kvp = await context.ready("kvp");
      const full = Buffer.concat([
        recordOf(Buffer.alloc(512, "k"), Buffer.alloc(2048, "v")),
        recordOf("last", "fine"),
      ]);
      await writePool(context, 1, full);
      const answer = await context.answer(kvp.enumerate(1, 0, { milliseconds: 5000 }));
      context.expect("answer", answer, "0x00000000");
      const log = await context.sh("dmesg");
      context.expect("kernel", /kernel BUG/.test(log) ? "BUG in fortify_panic" : "well", "well");
      if (context.who === "ours") {
        assert.deepEqual((await kvp.enumerate(1, 1)).item, { key: "last", value: "fine" });
        assert.deepEqual(await context.machine.readFile("/var/lib/hyperv/.kvp_pool_1"), full);
      }
    },
  },
];
