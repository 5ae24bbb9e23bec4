// The host takes the service back and offers it again, as when its setting is toggled
// or the machine is resumed.

import { expect } from "bun:test";
import { HostStatus } from "../fake-kernel/host-answer.ts";
import { KvpHost } from "../fake-kernel/kvp-host.ts";
import { contract } from "./contract.ts";
import { eventually } from "./eventually.ts";
import { startKvp } from "./guests.ts";

contract("kvp", "removal and return", ({ both, differs, ours }) => {
  both("closes the device at once, which the driver waits for", async (program) => {
    await using guest = await startKvp(program);
    await guest.bus.rescind(guest.driver);
    expect(guest.driver.transport.isOpen).toBe(false);
  });

  differs("the service that is gone", {
    linux: [
      "ends it with status 1",
      async (program) => {
        await using guest = await startKvp(program);
        await guest.bus.rescind(guest.driver);
        expect(await guest.daemon.exitStatus()).toBe(1);
      },
    ],
    hvguest: [
      "is waited for and registered with again, twenty times",
      async (program) => {
        await using guest = await startKvp(program);
        let driver = guest.driver;
        await guest.host.set(0, "key", "value");
        const offerAgain = async () => {
          await guest.bus.rescind(driver);
          driver = guest.bus.offerKvp();
          await driver.ready();
          expect(await new KvpHost(driver).list(0)).toEqual([{ key: "key", value: "value" }]);
        };
        // The runtime starts a thread of its own at the first work.
        await offerAgain();
        const before = [guest.daemon.threads, guest.daemon.descriptorCount];
        for (let round = 1; round < 20; round += 1) {
          await offerAgain();
        }
        await eventually(() => [guest.daemon.threads, guest.daemon.descriptorCount], before);
      },
    ],
  });

  both("closes the device when it goes in the middle of a request", async (program) => {
    await using guest = await startKvp(program);
    guest.daemon.kill("SIGSTOP");
    const answer = guest.driver.request(Buffer.alloc(7432));
    const gone = guest.bus.rescind(guest.driver);
    guest.daemon.kill("SIGCONT");
    expect(await answer).toEqual({ kind: "reset" });
    await gone;
  });

  // Between the hang-up and the close an open fails with EBADF, then the node is gone.
  ours("takes a service that comes back before the old one is gone", async (program) => {
    await using guest = await startKvp(program);
    guest.daemon.kill("SIGSTOP");
    const gone = guest.bus.rescind(guest.driver);
    guest.daemon.kill("SIGCONT");
    await gone;
    const driver = guest.bus.offerKvp();
    await driver.ready();
    expect(await new KvpHost(driver).set(0, "key", "value")).toBe(HostStatus.ok);
  });
});
