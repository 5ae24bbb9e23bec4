// Data exchange by the names of the daemons that ours replaces, as scripts start and
// look for them.

import assert from "node:assert/strict";
import { KvpPool } from "../host/kvp.ts";
import type { Scenario } from "../runner/scenario.ts";
import { until } from "../vm/deadline.ts";

/** The processes that Microsoft's test suite looks for, with its pattern and the names of ps. */
const pgrep = "ps -o pid,comm | grep -E 'hypervkvpd|hv_kvp_daemon' | grep -v grep || true";

export const kvpNames: readonly Scenario[] = [
  {
    name: "hv_kvp_daemon and hypervkvpd -n serve in the foreground under their name",
    service: "kvp",
    daemon: "none",
    who: ["ours"],
    async run(context) {
      for (const name of ["hv_kvp_daemon", "hypervkvpd"]) {
        for (const argument of ["-n", "--no-daemon"]) {
          await context.daemon.start({ as: name, arguments: argument });
          const kvp = await context.ready("kvp");
          assert.equal((await kvp.list(KvpPool.auto)).length, 10);
          assert.match(await context.sh(pgrep), new RegExp(`^ *\\d+ ${name}$`));
          assert.equal(await context.daemon.stop(), 0);
        }
      }
    },
  },
  {
    name: "without -n it detaches when it has registered, and its parent's status says so",
    service: "kvp",
    daemon: "none",
    async run(context) {
      const job = await context.daemon.start({ as: "hv_kvp_daemon", arguments: "" });
      const { code } = await job.wait(30_000);
      context.saw("exit status", code);
      assert.equal(code, 0);
      const kvp = await context.ready("kvp");
      assert.equal((await kvp.list(KvpPool.auto)).length, 10);
      const processes = (await context.sh(pgrep)).split("\n").filter(Boolean);
      assert.equal(processes.length, 1, processes.join("; "));
      const pid = Number(processes[0]?.trim().split(" ")[0]);
      assert.equal(await context.sh(`readlink /proc/${pid}/cwd`), "/");
      const session = (await context.sh(`cat /proc/${pid}/stat`)).split(" ")[5];
      context.saw("leads a session", Number(session) === pid);
      await context.sh(`kill ${pid}`);
      await until(10_000, "end of the daemon", async () => (await context.sh(pgrep)) === "");
    },
  },
  {
    name: "a second one that cannot register says so to its parent",
    service: "kvp",
    who: ["ours"],
    async run(context) {
      await context.ready("kvp");
      const second = context.machine.job(
        "ln -sf /mnt/share/hvguest /run/names/hv_kvp_daemon; /run/names/hv_kvp_daemon",
      );
      const { code } = await second.wait(50_000);
      assert.notEqual(code, 0);
    },
  },
  {
    name: "the daemon's help and an unknown option are answered as before",
    service: "kvp",
    daemon: "none",
    async run(context) {
      for (const argument of ["-h", "--help", "--nonsense"]) {
        const job = await context.daemon.start({ as: "hv_kvp_daemon", arguments: argument });
        const { code } = await job.wait(20_000);
        context.saw(argument, code);
        if (context.who === "ours") {
          assert.equal(code === 0, argument !== "--nonsense");
        }
      }
    },
  },
  {
    name: "LISA verify_kvp: one process by name, its device open, five pools of mode 0644",
    service: "kvp",
    daemon: "none",
    async run(context) {
      await context.daemon.start({ as: "hv_kvp_daemon", arguments: "-n" });
      const kvp = await context.ready("kvp");
      const facts = [
        "HostName",
        "HostingSystemEditionId",
        "HostingSystemNestedLevel",
        "HostingSystemOsMajor",
        "HostingSystemOsMinor",
        "HostingSystemProcessorArchitecture",
        "HostingSystemProcessorIdleStateMax",
        "HostingSystemProcessorThrottleMax",
        "PhysicalHostName",
        "PhysicalHostNameFullyQualified",
        "VirtualMachineDynamicMemoryBalancingEnabled",
        "VirtualMachineId",
        "VirtualMachineName",
      ];
      for (let round = 0; round < 2; round += 1) {
        for (const fact of facts) {
          assert.equal((await kvp.set(KvpPool.autoExternal, fact, `${fact} ${round}`)).status, 0);
        }
      }
      const processes = (await context.sh(pgrep)).split("\n");
      assert.equal(processes.length, 1, processes.join("; "));
      const pid = processes[0]?.trim().split(" ")[0] ?? "";
      assert.match(await context.sh(`ls -l /proc/${pid}/fd`), /\/dev\/vmbus\/hv_kvp/);
      const modes = await context.sh("stat -c '%a %n' /var/lib/hyperv/.kvp_pool_*");
      assert.deepEqual(
        modes.split("\n"),
        [0, 1, 2, 3, 4].map((pool) => `644 /var/lib/hyperv/.kvp_pool_${pool}`),
      );
      const size = Number(await context.sh("stat -c %s /var/lib/hyperv/.kvp_pool_3"));
      assert.equal(size, facts.length * 2560);
      assert.equal(await context.sh("stat -c '%a %U' /var/lib/hyperv"), "755 root");
    },
  },
  {
    name: "lis-test KVP-01 basic_checks: the count of open files and threads does not change",
    service: "kvp",
    daemon: "none",
    async run(context) {
      await context.daemon.start({ as: "hv_kvp_daemon", arguments: "-n" });
      const kvp = await context.ready("kvp");
      const pid = await context.daemon.pid();
      await Bun.sleep(500);
      const count = `ls /proc/${pid}/task/*/fd | wc -l`;
      const before = await context.sh(count);
      await kvp.list(KvpPool.auto);
      await Bun.sleep(3000);
      assert.equal(await context.sh(count), before);
    },
  },
];
