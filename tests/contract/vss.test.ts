// Backups. The private machine has no file system that could be frozen: what is held
// to the contract is the conversation (drivers/hv/hv_snapshot.c).

import { expect } from "bun:test";
import { Errno } from "../fake-kernel/fuse-wire.ts";
import { HostStatus } from "../fake-kernel/host-answer.ts";
import { VSS_MESSAGE_BYTES, VssOperation } from "../fake-kernel/vss-driver.ts";
import { contract } from "./contract.ts";
import { startVss } from "./guests.ts";

contract("vss", "the conversation", ({ both, differs }) => {
  both("registers with twelve bytes that hold nothing but the operation", async (program) => {
    await using guest = await startVss(program);
    const expected = Buffer.alloc(VSS_MESSAGE_BYTES);
    expected[0] = VssOperation.register1;
    expect(guest.driver.registrations).toEqual([expected]);
  });

  both("answers a check, a freeze and a thaw, again and again", async (program) => {
    await using guest = await startVss(program);
    for (let round = 0; round < 20; round += 1) {
      expect(await guest.host.check()).toBe(HostStatus.ok);
      expect(await guest.host.freeze()).toBe(HostStatus.ok);
      expect(await guest.host.thaw()).toBe(HostStatus.ok);
    }
  });

  both("answers a thaw without a freeze, as the driver sends before a suspend", async (program) => {
    await using guest = await startVss(program);
    expect(await guest.host.thaw()).toBe(HostStatus.ok);
  });

  both("registers again when its answer to a thaw came too late", async (program) => {
    await using guest = await startVss(program);
    const { driver, host } = guest;
    driver.beforeReply = () => driver.expire();
    const released = driver.transport.next("release");
    expect(host.thaw()).rejects.toThrow("timeout");
    await released;
    driver.beforeReply = undefined;
    await driver.ready();
    expect(driver.transport.refused).toEqual([Errno.EINVAL]);
    expect(await host.check()).toBe(HostStatus.ok);
  });

  differs("an operation that does not exist", {
    linux: [
      "is answered as done",
      async (program) => {
        await using guest = await startVss(program);
        expect(await guest.host.operation(77)).toBe(HostStatus.ok);
      },
    ],
    hvguest: [
      "is answered as a failure, and the next one is served",
      async (program) => {
        await using guest = await startVss(program);
        for (const operation of [3, 8, 77, 255]) {
          expect(await guest.host.operation(operation)).not.toBe(HostStatus.ok);
        }
        expect(await guest.host.check()).toBe(HostStatus.ok);
      },
    ],
  });

  both("registers again after a message of the wrong size", async (program) => {
    await using guest = await startVss(program);
    const { driver, host } = guest;
    for (const bytes of [1, 11, 13, 8000]) {
      const released = driver.transport.next("release");
      expect(driver.request(Buffer.alloc(bytes))).resolves.toEqual({ kind: "reset" });
      await released;
      await driver.ready();
      expect(await host.check()).toBe(HostStatus.ok);
    }
  });

  both("closes the device when the service goes while all is frozen", async (program) => {
    await using guest = await startVss(program);
    expect(await guest.host.freeze()).toBe(HostStatus.ok);
    await guest.bus.rescind(guest.driver);
    expect(guest.driver.transport.isOpen).toBe(false);
  });
});
