import { expect, test } from "bun:test";
import { openSettledDevice, settlesIn } from "../../src/transport/settled-device.ts";

test("a device is left alone until its driver is ready", () => {
  const now = 1_790_000_000_000;
  expect(settlesIn(now, now)).toBe(250);
  expect(settlesIn(now - 100, now)).toBe(150);
  expect(settlesIn(now - 250, now)).toBe(0);
  expect(settlesIn(0, now)).toBe(0);
});

test("a node of the future is waited for no longer than a new one", () => {
  expect(settlesIn(2_000_000, 1_000_000)).toBe(250);
});

test("a device that is not there is undefined", async () => {
  expect(await openSettledDevice("/nonexistent/hv_kvp")).toBeUndefined();
});
