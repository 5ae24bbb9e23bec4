// Backup of a whole system: the root file system is frozen, with our executable, the
// service manager and the journal on it.

import assert from "node:assert/strict";
import type { VssHost } from "../host/vss.ts";
import type { Context } from "../runner/context.ts";
import type { Scenario } from "../runner/scenario.ts";
import { assertFrozen, assertThawed } from "./guest-mounts.ts";

const root = ["/var/tmp"];

async function install(context: Context): Promise<VssHost> {
  await context.sh("systemctl disable --now hv-kvp-daemon.service 2>&1 || true");
  await context.sh("/mnt/share/hvguest install --replace 2>&1", 120_000);
  await context.sh("systemctl daemon-reload; systemctl start hvguest.service", 120_000);
  return context.ready("vss");
}

/** The state of the unit once it has been started anew. */
function restarted(context: Context, oldProcess: string): Promise<string> {
  return context.sh(
    `until p=$(systemctl show --value -p MainPID hvguest); [ "$p" != 0 ] && [ "$p" != ${oldProcess} ] && ` +
      "systemctl -q is-active hvguest; do sleep 0.2; done; echo $p",
    60_000,
  );
}

export const vssRoot: readonly Scenario[] = [
  {
    name: "a system on its own frozen root answers the host, and thaws whatever is killed",
    service: "vss",
    who: ["ours"],
    guests: ["gsys"],
    system: { network: "networkd", mask: ["hv-vss-daemon.service"] },
    daemon: "none",
    seconds: 900,
    async run(context) {
      let vss = await install(context);
      const { check, freeze, thaw } = await vss.checkpoint(async () => {
        await assertFrozen(context, root);
        const kvp = await context.host.service("kvp");
        const { status } = await kvp.enumerate(2, 5);
        assert.equal(status, 0, "data exchange while frozen");
      });
      assert.deepEqual([check.status, freeze.status, thaw.status], [0, 0, 0]);
      await assertThawed(context, root);

      const first = await context.sh("systemctl show --value -p MainPID hvguest");
      await vss.freeze();
      await context.sh(`kill -9 ${first}`);
      await assertThawed(context, root);
      const second = await restarted(context, first);

      vss = await context.ready("vss");
      await vss.freeze();
      // Agent and guard at once: the service manager starts the next one, which thaws.
      await context.sh(`kill -STOP ${second}; kill -9 $(pgrep -x hvguest-guard) ${second}`);
      await assertThawed(context, root);
      await restarted(context, second);
      assert.match(
        await context.sh("journalctl -u hvguest"),
        /had left file systems frozen, thawed/,
      );
      const again = await (await context.ready("vss")).checkpoint(() => Promise.resolve());
      assert.deepEqual([again.freeze.status, again.thaw.status], [0, 0]);
    },
  },
];
