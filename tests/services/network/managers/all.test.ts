import { expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { managerOf } from "../../../../src/services/network/managers/all.ts";
import { eth0, fakeMachine, type FakeMachine } from "../../../support/network-wish.ts";

const running = { "systemctl is-system-running": { stdout: "running\n" } };
const starting = { "systemctl is-system-running": { stdout: "starting\n", status: 1 } };
const byIfupdown = { "ifquery eth0": {} };
const byNetworkManager = {
  "nmcli -g GENERAL.STATE device show eth0": { stdout: "100 (connected)\n" },
};
const scriptPath = "usr/libexec/hypervkvpd/hv_set_ifconfig";

async function chosenOn(fake: FakeMachine, choice: "auto" | "networkd" = "auto") {
  const machine = fakeMachine(fake);
  if (fake.files?.[scriptPath] !== undefined) {
    chmodSync(`${machine.root}/${scriptPath}`, 0o755);
  }
  const { manager, isLate } = await managerOf(eth0, choice, machine, false);
  return [manager.name, isLate];
}

test("NetworkManager is asked before those whose files it may read", async () => {
  expect(await chosenOn({ answers: { ...byIfupdown, ...byNetworkManager } })).toEqual([
    "NetworkManager",
    false,
  ]);
  expect(await chosenOn({ answers: byIfupdown })).toEqual(["ifupdown", false]);
});

test("the configuration's choice is not asked", async () => {
  expect(await chosenOn({ answers: byIfupdown }, "networkd")).toEqual(["networkd", false]);
});

test("a script is taken when nobody has the interface", async () => {
  const files = { [scriptPath]: "#!/bin/sh\n" };
  expect(await chosenOn({ files, answers: running })).toEqual(["script", false]);
  expect(await chosenOn({ files, answers: byIfupdown })).toEqual(["ifupdown", false]);
});

test("in a machine that starts, the manager that will be started is taken before a script", async () => {
  const files = { [scriptPath]: "#!/bin/sh\n" };
  const enabled = { "systemctl is-enabled systemd-networkd.service": {} };
  expect(await chosenOn({ files, answers: { ...starting, ...enabled } })).toEqual([
    "networkd",
    true,
  ]);
  expect(await chosenOn({ files, answers: { ...running, ...enabled } })).toEqual(["script", false]);
});

test("in a machine that starts, an ifcfg file waits for NetworkManager, which reads it", async () => {
  const files = { "etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\n" };
  const enabled = { "systemctl is-enabled NetworkManager.service": {} };
  const fake = { files, programs: ["ifup", "ifdown"], answers: { ...starting, ...enabled } };
  expect(await chosenOn(fake)).toEqual(["NetworkManager", true]);
  expect(await chosenOn({ ...fake, answers: starting })).toEqual(["ifcfg", false]);
});

test("an ifcfg file is the scripts' where NetworkManager runs and leaves the interface alone", async () => {
  const files = { "etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\n" };
  const answers = {
    "systemctl is-enabled NetworkManager.service": {},
    "nmcli -g GENERAL.STATE device show eth0": { stdout: "10 (unmanaged)\n" },
    "nmcli -g STARTUP general": { stdout: "started\n" },
  };
  for (const state of [starting, running]) {
    const fake = { files, programs: ["ifup", "ifdown"], answers: { ...answers, ...state } };
    expect(await chosenOn(fake)).toEqual(["ifcfg", false]);
  }
});

test("nobody is one clear line", async () => {
  await expect(chosenOn({ answers: running })).rejects.toThrow(
    "nobody that hvguest knows manages 'eth0', and there is no hv_set_ifconfig",
  );
});
