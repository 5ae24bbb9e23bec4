// Data exchange beside the real cloud-init of Debian: its reporting handler appends to
// the guest's pool while the host reads and writes.

import assert from "node:assert/strict";
import { KvpPool, KvpStatus } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";

const eventCount = 60;

/** Publishes events with the real handler, then reads the pool with it. */
const program = `
from cloudinit.reporting import events, handlers
handler = handlers.HyperVKvpReportingHandler()
for i in range(${eventCount}):
    handler.publish_event(events.ReportingEvent("finish", "event%d" % i, "d\\u00e9tail %d \\U0001f642" % i))
handler.publish_event(events.ReportingEvent("finish", "long", "x" * 3000))
handler.write_key("PROVISIONING_REPORT", "result=success|agent=cloud-init")
handler.flush()
print(len(list(handler._iterate_kvps(0))))
`;

export const kvpCloudInit: readonly Scenario[] = [
  {
    name: "cloud-init's own handler reports while the host reads and writes the same pool",
    service: "kvp",
    guests: ["gsys"],
    system: { network: "networkd", mask: ["hv-kvp-daemon.service", "hv-vss-daemon.service"] },
    seconds: 240,
    async run(context) {
      const kvp = await context.ready("kvp");
      await context.machine.writeFile("/run/report.py", program);
      const handler = context.machine.job("python3 /run/report.py");
      let written = 0;
      while (!handler.isDone) {
        for (const { key, value } of await kvp.list(KvpPool.guest)) {
          assert.match(key, /^(CLOUD_INIT\|.*|host\d+|PROVISIONING_REPORT)$/);
          assert.notEqual(value, "");
        }
        const reply = await kvp.set(KvpPool.guest, `host${written}`, "by the host");
        written += reply.status === KvpStatus.ok ? 1 : 0;
      }
      const { code, stdout, stderr } = await handler.wait();
      assert.equal(code, 0, stderr);
      const items = await kvp.list(KvpPool.guest);
      const reports = items.filter(({ key }) => key.startsWith("CLOUD_INIT|"));
      const names = new Set(reports.map(({ key }) => key.split("|")[3]));
      context.saw("events", names.size);
      if (context.who === "ours") {
        assert.equal(names.size, eventCount + 1);
        assert.equal(items.filter(({ key }) => key.startsWith("host")).length, written);
      }
      for (const { key, value } of reports) {
        assert.ok(key.split("|").length >= 5, key);
        assert.ok(key.includes("|long|") || value.isWellFormed());
        if (!key.includes("|long|")) {
          assert.doesNotThrow(() => JSON.parse(value) as unknown, value);
        }
      }
      assert.ok(Number(stdout) >= reports.length, `the handler reads ${stdout} records`);
      assert.ok(items.some(({ key }) => key === "PROVISIONING_REPORT"));
    },
  },
];
