import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { NativeError } from "../../src/native/native-error.ts";
import { ChannelClosed, type MessageChannel } from "../../src/transport/channel.ts";
import { isAbsent, openDeviceChannel } from "../../src/transport/device-channel.ts";
import { type LineDevice, lineDevice } from "../support/line-device.ts";

const never = new AbortController().signal;
const textOf = (message: Uint8Array) => new TextDecoder().decode(message);
const bytes = (text: string) => new TextEncoder().encode(text);

function connected(): [MessageChannel, LineDevice] {
  const device = lineDevice();
  const channel = openDeviceChannel(device.path);
  if (channel === undefined) {
    throw new Error(`'${device.path}' is absent`);
  }
  return [channel, device];
}

test("a device that is not there gives no channel", () => {
  expect(openDeviceChannel("/nonexistent/hv_kvp")).toBeUndefined();
});

test("the kernel's refusal to open names the call, the path and the errno", () => {
  const open = () => openDeviceChannel("/etc/passwd/hv_kvp");
  expect(open).toThrow(new NativeError("open '/etc/passwd/hv_kvp'", constants.errno.ENOTDIR));
  expect(open).toThrow(NativeError);
});

test("absence is not a fault, other refusals are", () => {
  const { ENOENT, ENXIO, ENODEV, EBADF, EBUSY, EACCES, EINVAL } = constants.errno;
  expect([ENOENT, ENXIO, ENODEV, EBADF].every(isAbsent)).toBe(true);
  expect([EBUSY, EACCES, EINVAL, 0].some(isAbsent)).toBe(false);
});

test("messages come one by one, in order, also when several wait", async () => {
  const [channel, device] = connected();
  device.send("first\nsecond\n");
  device.send("third\n");
  expect(textOf(await channel.receive(never))).toBe("first\n");
  expect(textOf(await channel.receive(never))).toBe("second\n");
  expect(textOf(await channel.receive(never))).toBe("third\n");
  channel.close();
  device.hangUp();
});

test("a message is written at once", () => {
  const [channel, device] = connected();
  channel.send(bytes("hello"));
  expect(device.receive()).toBe("hello");
  channel.close();
  device.hangUp();
});

test("a message of our own bytes is not changed by a later use of the buffer", async () => {
  const [channel, device] = connected();
  device.send("first\n");
  const first = await channel.receive(never);
  device.send("other\n");
  await channel.receive(never);
  expect(textOf(first)).toBe("first\n");
  channel.close();
  device.hangUp();
});

test("a hang-up ends the channel, after the messages before it", async () => {
  const [channel, device] = connected();
  device.send("last\n");
  expect(textOf(await channel.receive(never))).toBe("last\n");
  const waiting = channel.receive(never);
  device.hangUp();
  await expect(waiting).rejects.toThrow(new ChannelClosed(`'${device.path}' is gone`));
  expect(() => channel.send(bytes("x"))).toThrow(new ChannelClosed(`'${device.path}' is gone`));
  channel.close();
});

test("a device that is going is closed before anybody asks: its removal waits for that", async () => {
  const [channel, device] = connected();
  const isOpen = () =>
    readdirSync("/proc/self/fd").some((fd) => linkOf(`/proc/self/fd/${fd}`) === device.path);
  expect(isOpen()).toBe(true);
  const waiting = channel.receive(never);
  device.hangUp();
  await expect(waiting).rejects.toThrow(ChannelClosed);
  expect(isOpen()).toBe(false);
});

test("after a close nothing is received or sent, and closing again does nothing", async () => {
  const [channel, device] = connected();
  const waiting = channel.receive(never);
  channel.close();
  await expect(waiting).rejects.toThrow(new ChannelClosed(`'${device.path}' was closed`));
  await expect(channel.receive(never)).rejects.toThrow(ChannelClosed);
  expect(() => channel.send(bytes("x"))).toThrow(ChannelClosed);
  channel.close();
  device.hangUp();
});

test("an abort ends the wait and leaves the channel open", async () => {
  const [channel, device] = connected();
  const stop = new AbortController();
  const waiting = channel.receive(stop.signal);
  stop.abort();
  await expect(waiting).rejects.toThrow(ChannelClosed);
  device.send("still here\n");
  expect(textOf(await channel.receive(never))).toBe("still here\n");
  channel.close();
  device.hangUp();
});

test("closed channels leave no descriptor behind, also before the collector comes", () => {
  const count = () => readdirSync("/proc/self/fd").length;
  const device = lineDevice();
  openDeviceChannel(device.path)?.close();
  const before = count();
  for (let round = 0; round < 20; round += 1) {
    openDeviceChannel(device.path)?.close();
  }
  // Less: what earlier tests have left may be collected meanwhile.
  expect(count()).toBeLessThanOrEqual(before);
  device.hangUp();
});

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return undefined;
  }
}
