// How a KVP daemon takes its device: registration, the single opener, interrupted
// reads (drivers/hv/hv_kvp.c, drivers/hv/hv_utils_transport.c).

import { expect } from "bun:test";
import { Errno } from "../fake-kernel/fuse-wire.ts";
import { KVP_MESSAGE_BYTES, KvpOperation } from "../fake-kernel/kvp-driver.ts";
import { contract } from "./contract.ts";
import { DaemonProcess } from "./daemon-process.ts";
import { agent, namedDaemons } from "./daemons.ts";
import { emptyBus, startKvp } from "./guests.ts";

contract("kvp", "registration", ({ both, differs }) => {
  both("registers with one whole message that holds nothing but the operation", async (program) => {
    await using guest = await startKvp(program);
    const expected = Buffer.alloc(KVP_MESSAGE_BYTES);
    expected[0] = KvpOperation.register1;
    expect(guest.driver.registrations).toEqual([expected]);
  });

  both("tells the driver's version as IntegrationServicesVersion", async (program) => {
    await using guest = await startKvp(program);
    const items = await guest.host.list(2);
    expect(items).toContainEqual({ key: "IntegrationServicesVersion", value: "3.1" });
  });

  both("serves a kernel that is ready as soon as it registered (Linux 4.4)", async (program) => {
    await using guest = await startKvp(program, { generation: { readyAtWrite: true } });
    // The driver queues one message at a time: the answer to the registration goes first.
    if (guest.driver.transport.hasMessage) {
      await guest.driver.transport.next("read");
    }
    expect(await guest.host.set(0, "key", "value")).toBe(0);
  });

  both("keeps the device to itself", async (program) => {
    await using guest = await startKvp(program);
    const opener = Bun.spawn(["/bin/sh", "-c", "exec 3<>/dev/vmbus/hv_kvp"], { stderr: "ignore" });
    expect(await opener.exited).not.toBe(0);
    expect(await guest.host.set(0, "key", "value")).toBe(0);
  });

  differs("a read that fails with EINTR or EAGAIN", {
    linux: [
      "makes it close the device and register again",
      async (program) => {
        await using guest = await startKvp(program);
        guest.driver.transport.failReads(Errno.EINTR);
        const released = guest.driver.transport.next("release");
        const answer = guest.host.set(0, "key", "value");
        await released;
        expect(answer).rejects.toThrow("reset");
        await guest.driver.ready();
        expect(guest.driver.registrations).toHaveLength(2);
      },
    ],
    hvguest: [
      "is made again, and the request is answered",
      async (program) => {
        await using guest = await startKvp(program);
        guest.driver.transport.failReads(Errno.EINTR, Errno.EAGAIN, Errno.EINTR);
        expect(await guest.host.set(0, "key", "value")).toBe(0);
        expect(guest.driver.registrations).toHaveLength(1);
      },
    ],
  });

  both("registers again after a reply that came too late", async (program) => {
    await using guest = await startKvp(program);
    const { driver, host } = guest;
    driver.beforeReply = () => driver.expire();
    const released = driver.transport.next("release");
    expect(host.set(0, "key", "value")).rejects.toThrow("timeout");
    await released;
    driver.beforeReply = undefined;
    await driver.ready();
    expect(driver.transport.refused).toEqual([Errno.EINVAL]);
    expect(driver.registrations).toHaveLength(2);
    expect(await host.set(0, "key", "value")).toBe(0);
  });

  differs("a host that does not offer the service", {
    linux: [
      "ends it with status 1",
      async (program) => {
        using _bus = emptyBus();
        await using daemon = new DaemonProcess(program);
        expect(await daemon.exitStatus()).toBe(1);
      },
    ],
    hvguest: [
      "is waited for",
      async (program) => {
        using bus = emptyBus();
        await using daemon = new DaemonProcess(program);
        const kvp = bus.offerKvp();
        await kvp.ready();
        expect(daemon.isRunning).toBe(true);
      },
    ],
  });
});

contract(
  "kvp",
  "a device that another process has",
  ({ both }) => {
    both("ends it with status 1, and the other goes on", async (program) => {
      await using guest = await startKvp(program);
      await using second = new DaemonProcess(program);
      expect(await second.exitStatus()).toBe(1);
      expect(await guest.host.set(0, "key", "value")).toBe(0);
    });
  },
  namedDaemons("kvp"),
);

contract(
  "kvp",
  "a device that another process has",
  ({ ours }) => {
    ours("is tried again, and taken when it is free", async (program) => {
      await using guest = await startKvp(program);
      await using second = new DaemonProcess(program);
      await guest.driver.transport.next("busy");
      expect(await guest.host.set(0, "key", "value")).toBe(0);
      const released = guest.driver.transport.next("release");
      guest.daemon.kill();
      expect(await guest.daemon.exitStatus()).toBe(0);
      await released;
      expect(await guest.host.get(0, "key")).toEqual({ status: 0, body: "value" });
      expect(second.isRunning).toBe(true);
    });
  },
  [agent("kvp")],
);
