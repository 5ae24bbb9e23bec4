// Data exchange: the cases of Microsoft's lis-test, by their names, as far as a guest
// can be asked.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { readPool, recordOf } from "./pool-file.ts";

export const kvpSuites: readonly Scenario[] = [
  {
    name: "lis-test Intrinsic: seven keys are in GuestIntrinsicExchangeItems",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const keys = (await kvp.list(KvpPool.auto)).map(({ key }) => key);
      for (const key of [
        "OSVersion",
        "OSName",
        "ProcessorArchitecture",
        "IntegrationServicesVersion",
        "FullyQualifiedDomainName",
        "NetworkAddressIPv4",
        "NetworkAddressIPv6",
      ]) {
        assert.ok(keys.includes(key), key);
      }
    },
  },
  {
    name: "lis-test AddKey, ModifyKey, RemoveKey: EEE in pool 0",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      assert.equal((await kvp.set(KvpPool.external, "EEE", "555")).status, KvpStatus.ok);
      assert.deepEqual(await readPool(context, 0), [{ key: "EEE", value: "555" }]);
      const bytes = await context.machine.readFile("/var/lib/hyperv/.kvp_pool_0");
      context.expect(
        "nothing else is in the record",
        bytes.every((byte, index) => byte === 0 || index < 3 || (index >= 512 && index < 515)),
        true,
      );
      assert.equal((await kvp.set(KvpPool.external, "EEE", "999")).status, KvpStatus.ok);
      assert.deepEqual(await readPool(context, 0), [{ key: "EEE", value: "999" }]);
      assert.equal((await kvp.delete(KvpPool.external, "EEE")).status, KvpStatus.ok);
      assert.deepEqual(await readPool(context, 0), []);
    },
  },
  {
    name: "lis-test Push: BBB=111 of the guest is read by the host",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      await context.machine.run(
        "cat >> /var/lib/hyperv/.kvp_pool_1",
        10_000,
        recordOf("BBB", "111"),
      );
      assert.deepEqual(await kvp.list(KvpPool.guest), [{ key: "BBB", value: "111" }]);
    },
  },
  {
    name: "lis-test DeleteNonExist and ModifyNonExist",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const gone = await kvp.delete(KvpPool.external, "nothing");
      context.sawStatus("DELETE", gone.status);
      assert.equal(gone.status, KvpStatus.noMoreItems);
      const changed = await kvp.set(KvpPool.external, "nothing", "now");
      assert.equal(changed.status, KvpStatus.ok);
    },
  },
  {
    name: "lis-test KVP_TestKvpGET: the adapter's addresses are not empty",
    service: "kvp",
    async run(context) {
      const kvp = await context.ready("kvp");
      const { info } = await kvp.getIpInfo("52:54:00:12:34:56");
      assert.notEqual(info?.addresses ?? "", "");
    },
  },
];
