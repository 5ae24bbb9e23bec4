import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { lsvmbus, lsvmbusJson, lsvmbusText } from "../../src/cli/commands/lsvmbus.ts";
import { pathsFrom } from "../../src/platform/paths.ts";
import { vmbusDevices } from "../../src/platform/vmbus.ts";

const network = "{f8615163-df3e-46c5-913f-f2d2f965ed0e}";
const kvp = "{a9a0f4e7-5a45-4d96-b827-8a841e8c03e6}";

/** A folder for HVGUEST_KERNEL_ROOT with the devices of a small machine. */
function kernelRoot(): { root: string; devices: string } {
  const root = mkdtempSync(`${tmpdir()}/hvguest-vmbus-`);
  const devices = `${root}/sys/bus/vmbus/devices`;
  mkdirSync(devices, { recursive: true });
  return { root, devices };
}

function addDevice(devices: string, name: string, attributes: Record<string, string>): string {
  const path = `${devices}/${name}`;
  mkdirSync(path);
  for (const [attribute, value] of Object.entries(attributes)) {
    writeFileSync(`${path}/${attribute}`, value);
  }
  return path;
}

function twoDevices(): { root: string; devices: string } {
  const machine = kernelRoot();
  addDevice(machine.devices, "53557f8e-057d-425b-9265-01c0fd7e273d", {
    id: "15\n",
    class_id: `${network}\n`,
    device_id: "{53557f8e-057d-425b-9265-01c0fd7e273d}\n",
    channel_vp_mapping: "20:3\n15:1\n",
    state: "3\n",
  });
  addDevice(machine.devices, "242ff919-07db-4180-9c2e-b86cb68c8c55", {
    id: "3\n",
    class_id: `${kvp}\n`,
    device_id: "{242ff919-07db-4180-9c2e-b86cb68c8c55}\n",
    channel_vp_mapping: "",
    state: "0\n",
  });
  return machine;
}

function devicesOf(root: string) {
  return vmbusDevices(pathsFrom({ HVGUEST_KERNEL_ROOT: root })) ?? [];
}

test("the text is the kernel tool's, in the order of the numbers", () => {
  const { root, devices } = twoDevices();
  const found = devicesOf(root);
  expect(lsvmbusText(found, 0)).toBe(
    "VMBUS ID  3: [Data Exchange]\nVMBUS ID 15: Synthetic network adapter\n",
  );
  expect(lsvmbusText(found, 1)).toBe(
    `VMBUS ID  3: Class_ID = ${kvp} - [Data Exchange]\n\n` +
      `VMBUS ID 15: Class_ID = ${network} - Synthetic network adapter\n` +
      "\tRel_ID=15, target_cpu=1\n\tRel_ID=20, target_cpu=3\n\n",
  );
  expect(lsvmbusText(found, 2)).toBe(
    `VMBUS ID  3: Class_ID = ${kvp} - [Data Exchange]\n` +
      "\tDevice_ID = {242ff919-07db-4180-9c2e-b86cb68c8c55}\n" +
      `\tSysfs path: ${devices}/242ff919-07db-4180-9c2e-b86cb68c8c55\n\n` +
      `VMBUS ID 15: Class_ID = ${network} - Synthetic network adapter\n` +
      "\tDevice_ID = {53557f8e-057d-425b-9265-01c0fd7e273d}\n" +
      `\tSysfs path: ${devices}/53557f8e-057d-425b-9265-01c0fd7e273d\n` +
      "\tRel_ID=15, target_cpu=1\n\tRel_ID=20, target_cpu=3\n\n",
  );
  expect(lsvmbusText(found, 3)).toBe(lsvmbusText(found, 2));
  rmSync(root, { recursive: true });
});

test("JSON adds the driver, the state and the channels' counters", () => {
  const { root, devices } = twoDevices();
  const path = `${devices}/53557f8e-057d-425b-9265-01c0fd7e273d`;
  mkdirSync(`${root}/sys/bus/vmbus/drivers/hv_netvsc`, { recursive: true });
  symlinkSync("../../drivers/hv_netvsc", `${path}/driver`);
  mkdirSync(`${path}/channels/15`, { recursive: true });
  writeFileSync(`${path}/channels/15/interrupts`, "1234\n");
  const { devices: found } = JSON.parse(lsvmbusJson(devicesOf(root)));
  expect(found[1]).toEqual({
    id: 15,
    description: "Synthetic network adapter",
    class_id: network,
    device_id: "{53557f8e-057d-425b-9265-01c0fd7e273d}",
    sysfs_path: path,
    driver: "hv_netvsc",
    state: "opened",
    channels: [
      { rel_id: 15, target_cpu: 1, interrupts: 1234 },
      { rel_id: 20, target_cpu: 3 },
    ],
  });
  expect(found[0]).not.toHaveProperty("driver");
  rmSync(root, { recursive: true });
});

test("attributes that are missing, unreadable or no numbers are shown as such", () => {
  const { root, devices } = kernelRoot();
  addDevice(devices, "aaaa", {});
  const odd = addDevice(devices, "bbbb", {
    id: "x\n",
    channel_vp_mapping: "nonsense\n:\n7:\n8:0\n",
  });
  mkdirSync(`${odd}/class_id`);
  chmodSync(`${odd}/id`, 0);
  symlinkSync("nowhere", `${devices}/gone`);
  expect(lsvmbusText(devicesOf(root), 1)).toBe(
    "VMBUS ID  ?: Class_ID = ? - Unknown\n\nVMBUS ID  ?: Class_ID = ? - Unknown\n\tRel_ID=8, target_cpu=0\n\n",
  );
  rmSync(root, { recursive: true });
});

test("without a VMBus the command says the kernel tool's words and ends with 255", async () => {
  const root = mkdtempSync(`${tmpdir()}/hvguest-vmbus-`);
  const printed: string[] = [];
  const status = await lsvmbus.run?.(
    { verbose: 0, json: false },
    {
      environment: { HVGUEST_KERNEL_ROOT: root },
      print: (text) => printed.push(text),
      complain: () => {},
      signal: new AbortController().signal,
      commands: [],
    },
  );
  expect(status).toBe(255);
  expect(printed).toEqual([`${root}/sys/bus/vmbus/devices doesn't exist: exiting...\n`]);
  rmSync(root, { recursive: true });
});
