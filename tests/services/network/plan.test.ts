import { expect, test } from "bun:test";
import { netplan } from "../../../src/services/network/managers/netplan.ts";
import { networkd } from "../../../src/services/network/managers/networkd.ts";
import { latePlan } from "../../../src/services/network/plan.ts";
import { fakeMachine, oneAddress, wish } from "../../support/network-wish.ts";

test("a manager that is still to be started gets its files alone, and nothing is verified", async () => {
  const plan = await networkd.plan(wish(oneAddress), fakeMachine({ programs: ["networkctl"] }));
  expect(latePlan(plan)).toMatchObject({
    files: plan.files,
    before: [],
    activate: [],
    reactivate: [],
    isVerified: false,
    isLate: true,
  });
});

test("netplan makes the files of managers that start later", async () => {
  const plan = await netplan.plan(wish(oneAddress), fakeMachine({ programs: ["netplan"] }));
  expect(latePlan(plan).activate).toEqual([{ program: "/usr/bin/netplan", args: ["generate"] }]);
  expect(plan.activate).toEqual([{ program: "/usr/bin/netplan", args: ["apply"] }]);
});
