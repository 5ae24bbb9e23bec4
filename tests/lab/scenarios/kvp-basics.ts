// Data exchange: what every host does.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";

export const kvpBasics: readonly Scenario[] = [
  {
    name: "a host reads the ten intrinsic items in their order",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const items = await kvp.list(KvpPool.auto);
      context.saw("keys", items.map(({ key }) => key).join(" "));
      assert.deepEqual(
        items.map(({ key }) => key),
        [
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
        ],
      );
    },
  },
  {
    name: "a host sets, reads, changes and deletes a key of every pool",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      for (const pool of [
        KvpPool.external,
        KvpPool.guest,
        KvpPool.autoExternal,
        KvpPool.autoInternal,
      ]) {
        assert.equal((await kvp.set(pool, "EEE", "555")).status, KvpStatus.ok);
        assert.deepEqual(await kvp.list(pool), [{ key: "EEE", value: "555" }]);
        assert.equal((await kvp.set(pool, "EEE", "999")).status, KvpStatus.ok);
        assert.deepEqual(await kvp.list(pool), [{ key: "EEE", value: "999" }]);
        assert.equal((await kvp.delete(pool, "EEE")).status, KvpStatus.ok);
        assert.deepEqual(await kvp.list(pool), []);
      }
    },
  },
];
