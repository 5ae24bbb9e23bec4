// Data exchange: the pools, by every operation.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus, ValueType } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { numbered, readPool } from "./pool-file.ts";

const intrinsicKeys = [
  "FullyQualifiedDomainName",
  "IntegrationServicesVersion",
  "NetworkAddressIPv4",
  "NetworkAddressIPv6",
  "OSBuildNumber",
  "OSName",
  "OSMajorVersion",
  "OSMinorVersion",
  "OSVersion",
  "ProcessorArchitecture",
];

const filePools = [
  KvpPool.external,
  KvpPool.guest,
  KvpPool.autoExternal,
  KvpPool.autoInternal,
] as const;

export const kvpPools: readonly Scenario[] = [
  {
    name: "a host reads the ten intrinsic items in their order",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const items = await kvp.list(KvpPool.auto);
      assert.deepEqual(
        items.map(({ key }) => key),
        intrinsicKeys,
      );
      const release = await context.sh("uname -r");
      const expected = {
        FullyQualifiedDomainName: "hvguest.example.test",
        IntegrationServicesVersion: "3.1",
        OSBuildNumber: release,
        OSName: "Debian GNU/Linux",
        OSMajorVersion: "hvlab",
        OSMinorVersion: "",
        OSVersion: release.split("-")[0],
        ProcessorArchitecture: "x86_64",
      };
      for (const { key, value } of items.filter((item) => !item.key.startsWith("Network"))) {
        context.saw(key, value);
      }
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(items.find((item) => item.key === key)?.value, value, key);
      }
      for (const index of [10, 11, 255, 0x7fff_ffff, 0xffff_ffff]) {
        const past = await kvp.enumerate(KvpPool.auto, index);
        assert.equal(past.status, KvpStatus.noMoreItems, `index ${index}`);
      }
    },
  },
  {
    name: "every item is text of the type REG_SZ with its terminator counted",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await kvp.set(KvpPool.external, "clé", "naïve 🙂");
      for (const [pool, index] of [
        [KvpPool.auto, 5],
        [KvpPool.external, 0],
      ] as const) {
        const { item, valueType, keyBytes, valueBytes } = await kvp.enumerate(pool, index);
        assert.ok(item);
        assert.equal(valueType, ValueType.string);
        assert.equal(keyBytes, 2 * (item.key.length + 1));
        assert.equal(valueBytes, 2 * (item.value.length + 1));
      }
    },
  },
  {
    name: "a host sets, changes, reads and deletes a key of every pool",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const pool of filePools) {
        assert.equal((await kvp.set(pool, "EEE", "555")).status, KvpStatus.ok);
        assert.deepEqual(await kvp.list(pool), [{ key: "EEE", value: "555" }]);
        assert.equal((await kvp.set(pool, "EEE", "999")).status, KvpStatus.ok);
        assert.deepEqual(await kvp.list(pool), [{ key: "EEE", value: "999" }]);
        assert.deepEqual(await readPool(context, pool), [{ key: "EEE", value: "999" }]);
        assert.equal((await kvp.delete(pool, "EEE")).status, KvpStatus.ok);
        assert.deepEqual(await kvp.list(pool), []);
        assert.deepEqual(await readPool(context, pool), []);
      }
    },
  },
  {
    name: "the pools are apart from each other",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const pool of filePools) {
        assert.equal((await kvp.set(pool, "same", `pool ${pool}`)).status, KvpStatus.ok);
      }
      await kvp.delete(KvpPool.guest, "same");
      assert.deepEqual(await kvp.list(KvpPool.guest), []);
      for (const pool of filePools.filter((one) => one !== KvpPool.guest)) {
        assert.deepEqual(await kvp.list(pool), [{ key: "same", value: `pool ${pool}` }]);
      }
    },
  },
  {
    name: "GET answers with the value",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const pool of filePools) {
        await kvp.set(pool, "other", "no");
        await kvp.set(pool, "question", "the answer, été 🙂");
        const reply = await kvp.get(pool, "question");
        context.sawStatus(`pool ${pool}: status`, reply.status);
        context.expect(`pool ${pool}: value`, reply.value ?? "none", "the answer, été 🙂");
      }
      const intrinsic = await kvp.get(KvpPool.auto, "OSName");
      context.expect("intrinsic item", intrinsic.value ?? "none", "Debian GNU/Linux");
    },
  },
  {
    name: "GET and DELETE of a key that does not exist say so",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const pool of filePools) {
        await kvp.set(pool, "there", "x");
        const got = await kvp.get(pool, "missing");
        assert.equal(got.status, KvpStatus.noMoreItems);
        const gone = await kvp.delete(pool, "missing");
        context.sawStatus(`DELETE in pool ${pool}`, gone.status);
        assert.equal(gone.status, KvpStatus.noMoreItems);
        assert.deepEqual(await kvp.list(pool), [{ key: "there", value: "x" }]);
      }
    },
  },
  {
    name: "keys keep their order when one is changed or deleted",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const key of ["a", "b", "c", "d", "e"]) {
        await kvp.set(0, key, key);
      }
      await kvp.set(0, "c", "changed");
      await kvp.delete(0, "b");
      await kvp.set(0, "b", "again");
      const order = (await kvp.list(0)).map(({ key, value }) => `${key}=${value}`).join(" ");
      context.saw("order", order);
      assert.equal(order, "a=a c=changed d=d e=e b=again");
    },
  },
  {
    name: "keys are told apart by case, by their ends and by spaces",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const keys = ["Key", "key", "KEY", "ke", "keys", "key ", " key", "ключ", "k\u0301", "ḱ"];
      for (const key of keys) {
        assert.equal((await kvp.set(0, key, `of ${key}`)).status, KvpStatus.ok);
      }
      assert.deepEqual(
        await kvp.list(0),
        keys.map((key) => ({ key, value: `of ${key}` })),
      );
      await kvp.delete(0, "key");
      assert.equal((await kvp.list(0)).length, keys.length - 1);
    },
  },
  {
    name: "an empty value is a value, and an odd key is a key",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const items = [
        { key: "empty", value: "" },
        { key: "=", value: "=" },
        { key: "a\nb", value: "c\r\nd\te" },
        { key: "\u0001", value: "\u007f\ufeff\u200b" },
        { key: "/../../etc/passwd", value: "$(reboot) `reboot` %s%n" },
        { key: '"quoted"', value: '{"json": [1, 2]}' },
      ];
      for (const { key, value } of items) {
        assert.equal((await kvp.set(0, key, value)).status, KvpStatus.ok);
      }
      assert.deepEqual(await kvp.list(0), items);
    },
  },
  {
    name: "an empty key is answered",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      context.saw("SET", await context.answer(kvp.set(0, "", "value")));
      context.saw("GET", await context.answer(kvp.get(0, "")));
      context.saw("items", (await kvp.list(0)).length);
      context.saw("DELETE", await context.answer(kvp.delete(0, "")));
      assert.deepEqual(await kvp.list(0), []);
    },
  },
  {
    name: "numbers arrive as decimal text",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const number of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
        assert.equal((await kvp.set(0, "dword", number)).status, KvpStatus.ok);
        const [item] = await kvp.list(0);
        assert.equal(item?.value, String(number));
      }
      const qword = await kvp.set(0, "qword", 0xffff_ffff_ffff_ffffn, {
        type: ValueType.linuxQword,
      });
      assert.equal(qword.status, KvpStatus.ok);
      assert.equal((await kvp.list(0))[1]?.value, "18446744073709551615");
    },
  },
  {
    name: "types that the kernel does not know arrive as an empty value",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const types = {
        qword: ValueType.qword,
        expand: ValueType.expandString,
        binary: 3,
        odd: 0xffff,
      };
      for (const [key, type] of Object.entries(types)) {
        context.saw(key, await context.answer(kvp.set(0, key, "text", { type })));
      }
      const items = await kvp.list(0);
      context.saw("items", items.map(({ key, value }) => `${key}=${value}`).join(" "));
      assert.equal((await kvp.set(0, "after", "fine")).status, KvpStatus.ok);
    },
  },
  {
    name: "a thousand records are set, enumerated in order and deleted",
    service: "kvp",
    guests: ["g612"],
    seconds: 120,
    async run(context) {
      const kvp = await context.ready("kvp");
      // The C daemon rewrites the whole file for each of them.
      const records = numbered(context.who === "c" ? 200 : 1000);
      for (const { key, value } of records) {
        assert.equal((await kvp.set(KvpPool.external, key, value)).status, KvpStatus.ok);
      }
      assert.deepEqual(await kvp.list(KvpPool.external), records);
      assert.deepEqual(await readPool(context, KvpPool.external), records);
      assert.equal((await kvp.get(KvpPool.external, "item199")).status, KvpStatus.ok);
      for (const { key } of records.filter((_, index) => index % 100 === 0)) {
        assert.equal((await kvp.delete(KvpPool.external, key)).status, KvpStatus.ok);
      }
      const left = records.filter((_, index) => index % 100 !== 0);
      assert.deepEqual(await kvp.list(KvpPool.external), left);
    },
  },
];
