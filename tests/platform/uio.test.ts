import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathsFrom } from "../../src/platform/paths.ts";
import { uioDevice } from "../../src/platform/uio.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const classId = "{34d14be3-dee4-41c8-9ae7-6b174977c192}";
const device = "sys/bus/vmbus/devices/eb765408-105f-49b6-b4aa-c123b64d17d4";
const driver = "sys/bus/vmbus/drivers/uio_hv_generic";

const other = {
  "sys/bus/vmbus/devices/0/class_id": "{f8615163-df3e-46c5-913f-f2d2f965ed0e}\n",
  "sys/bus/vmbus/devices/0/uio/uio0/maps/map0/size": "0x1000\n",
};

function find(root: string) {
  return uioDevice(pathsFrom({ HVGUEST_KERNEL_ROOT: root }), classId);
}

test("a bound device is found by its class, whatever its number is", async () => {
  const root = temporaryRoot({
    ...other,
    [`${device}/class_id`]: `${classId}\n`,
    [`${device}/uio/uio3/maps/map0/size`]: "0x0000000000008000\n",
  });
  expect(await find(root)).toEqual({ node: `${root}/dev/uio3`, mapBytes: 32_768 });
});

test("a device that the host does not offer is none", async () => {
  expect(await find(temporaryRoot(other))).toBeUndefined();
  expect(await find(temporaryRoot())).toBeUndefined();
});

test("a device of another driver is left alone", async () => {
  const root = temporaryRoot({
    [`${device}/class_id`]: `${classId}\n`,
    [`${driver}/new_id`]: "",
  });
  mkdirSync(join(root, "sys/bus/vmbus/drivers/hv_utils"));
  symlinkSync("../../drivers/hv_utils", join(root, device, "driver"));
  expect(await find(root)).toBeUndefined();
  expect(readFileSync(join(root, driver, "new_id"), "utf8")).toBe("");
});

test("a device whose attributes have not appeared yet is looked for again", async () => {
  const root = temporaryRoot({ [`${device}/class_id`]: `${classId}\n` });
  mkdirSync(join(root, device, "uio/uio0"), { recursive: true });
  expect(await find(root)).toBeUndefined();
  mkdirSync(join(root, device, "uio/uio0/maps/map0"), { recursive: true });
  writeFileSync(join(root, device, "uio/uio0/maps/map0/size"), "0x10000\n");
  expect(await find(root)).toEqual({ node: `${root}/dev/uio0`, mapBytes: 65_536 });
});
