import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DeviceChanges } from "../../src/agent/device-changes.ts";
import { pathsFrom } from "../../src/platform/paths.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const never = new AbortController().signal;

function watched(): { devices: DeviceChanges; vmbus: string } {
  const root = temporaryRoot();
  const vmbus = join(root, "dev/vmbus");
  mkdirSync(vmbus, { recursive: true });
  return { devices: new DeviceChanges(pathsFrom({ HVGUEST_KERNEL_ROOT: root })), vmbus };
}

test("a device that comes ends the wait", async () => {
  const { devices, vmbus } = watched();
  const change = devices.after(devices.generation, never);
  writeFileSync(join(vmbus, "hv_kvp"), "");
  await change;
  expect(devices.generation).toBeGreaterThan(0);
  devices.close();
});

test("a change between a look and a wait is not missed", async () => {
  const { devices, vmbus } = watched();
  const before = devices.generation;
  const change = devices.after(before, never);
  writeFileSync(join(vmbus, "hv_kvp"), "");
  await change;
  await devices.after(before, never);
  devices.close();
});

test("everybody who waits is woken", async () => {
  const { devices, vmbus } = watched();
  const waits = [1, 2, 3].map(() => devices.after(devices.generation, never));
  writeFileSync(join(vmbus, "hv_vss"), "");
  await Promise.all(waits);
  devices.close();
});

test("an abort ends the wait, also one that came before", async () => {
  const { devices } = watched();
  const stop = new AbortController();
  const waiting = devices.after(devices.generation, stop.signal);
  stop.abort();
  await waiting;
  await devices.after(devices.generation, stop.signal);
  devices.close();
});
