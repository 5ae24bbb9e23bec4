// What a host gets for each request, well-formed and not.

import { expect } from "bun:test";
import { constants } from "node:os";
import { HostStatus } from "../fake-kernel/host-answer.ts";
import { KvpOperation } from "../fake-kernel/kvp-driver.ts";
import { type KvpHost, KvpLayout, kvpMessage, setMessage } from "../fake-kernel/kvp-host.ts";
import { contract } from "./contract.ts";
import { startKvp } from "./guests.ts";

const intrinsicKeys = [
  "FullyQualifiedDomainName",
  "IntegrationServicesVersion",
  "NetworkAddressIPv4",
  "NetworkAddressIPv6",
  "OSBuildNumber",
  "OSName",
  "OSMajorVersion",
  "OSMinorVersion",
  "OSVersion",
  "ProcessorArchitecture",
];

/** The pools that are files. */
const filePools = [0, 1, 3, 4];

contract("kvp", "requests", ({ both, differs }) => {
  both("keeps what the host sets, in the order in which it was set", async (program) => {
    await using guest = await startKvp(program);
    for (const pool of filePools) {
      expect(await guest.host.list(pool)).toEqual([]);
      expect(await guest.host.set(pool, "first", "1")).toBe(HostStatus.ok);
      expect(await guest.host.set(pool, "zweiter Schlüssel", "größer")).toBe(HostStatus.ok);
      expect(await guest.host.set(pool, "third", "")).toBe(HostStatus.ok);
      expect(await guest.host.set(pool, "first", `changed in ${pool}`)).toBe(HostStatus.ok);
    }
    for (const pool of filePools) {
      expect(await guest.host.list(pool)).toEqual([
        { key: "first", value: `changed in ${pool}` },
        { key: "zweiter Schlüssel", value: "größer" },
        { key: "third", value: "" },
      ]);
    }
  });

  both("deletes one key and keeps the order of the others", async (program) => {
    await using guest = await startKvp(program);
    for (const key of ["a", "b", "c"]) {
      await guest.host.set(0, key, key);
    }
    expect(await guest.host.delete(0, "b")).toBe(HostStatus.ok);
    expect((await guest.host.list(0)).map(({ key }) => key)).toEqual(["a", "c"]);
    expect(await guest.host.delete(0, "b")).toBe(HostStatus.noMoreItems);
    expect(await guest.host.delete(0, "A")).toBe(HostStatus.noMoreItems);
  });

  both("lists the ten intrinsic items in their order", async (program) => {
    await using guest = await startKvp(program);
    const items = await guest.host.list(2);
    expect(items.map(({ key }) => key)).toEqual(intrinsicKeys);
    expect(Object.fromEntries(items.map(({ key, value }) => [key, value]))).toMatchObject({
      FullyQualifiedDomainName: "guest.example.com",
      IntegrationServicesVersion: "3.1",
      NetworkAddressIPv4: "192.0.2.10;198.51.100.7",
      NetworkAddressIPv6: "2001:db8::10",
    });
  });

  both("has an end to each pool, at any index beyond it", async (program) => {
    await using guest = await startKvp(program);
    for (const index of [10, 11, 0x7fffffff]) {
      expect(await guest.host.enumerate(2, index)).toEqual({ status: HostStatus.noMoreItems });
      expect(await guest.host.enumerate(0, index)).toEqual({ status: HostStatus.noMoreItems });
    }
  });

  differs("an index of 2^31 and more", {
    linux: [
      "crashes it",
      async (program) => {
        await using guest = await startKvp(program);
        await expect(guest.host.enumerate(0, 0x80000000)).rejects.toThrow("reset");
        expect(await guest.daemon.exitStatus()).toBe(128 + constants.signals.SIGSEGV);
      },
    ],
    hvguest: [
      "is beyond the end as any other",
      async (program) => {
        await using guest = await startKvp(program);
        for (const index of [0x80000000, 0xffffffff]) {
          expect(await guest.host.enumerate(0, index)).toEqual({ status: HostStatus.noMoreItems });
          expect(await guest.host.enumerate(2, index)).toEqual({ status: HostStatus.noMoreItems });
        }
      },
    ],
  });

  both("tells the addresses of the adapter with the asked MAC address", async (program) => {
    await using guest = await startKvp(program);
    const { status, body } = await guest.host.ipInfo("00:15:5D:01:02:03");
    expect(status).toBe(HostStatus.ok);
    expect(body).toMatchObject({
      family: 3,
      dhcp: false,
      addresses: "192.0.2.10;198.51.100.7;2001:db8::10",
      subnets: "255.255.255.0;255.255.255.128;/64",
      gateways: "192.0.2.1;",
      dns: "192.0.2.53;",
    });
  });

  both("refuses the addresses of an adapter that is not there", async (program) => {
    await using guest = await startKvp(program);
    expect(await guest.host.ipInfo("00:15:5D:01:02:FF")).toEqual({ status: HostStatus.fail });
    expect(await guest.host.ipInfo("")).toEqual({ status: HostStatus.fail });
  });

  differs("a GET", {
    linux: [
      "is answered with an empty value",
      async (program) => {
        await using guest = await startKvp(program);
        await guest.host.set(0, "key", "value");
        expect(await guest.host.get(0, "key")).toEqual({ status: HostStatus.ok, body: "" });
      },
    ],
    hvguest: [
      "is answered with the value, where the driver looks for it",
      async (program) => {
        await using guest = await startKvp(program);
        await guest.host.set(0, "key", "value");
        expect(await guest.host.get(0, "key")).toEqual({ status: HostStatus.ok, body: "value" });
        expect(await guest.host.get(2, "IntegrationServicesVersion")).toMatchObject({
          body: "3.1",
        });
      },
    ],
  });

  both("has no value for a key that is not there", async (program) => {
    await using guest = await startKvp(program);
    expect(await guest.host.get(0, "key")).toEqual({ status: HostStatus.noMoreItems });
  });

  differs("an operation that does not exist", {
    linux: [
      "is answered as done",
      async (program) => {
        await using guest = await startKvp(program);
        expect(await statusOf(guest.host, kvpMessage(9))).toBe(HostStatus.ok);
      },
    ],
    hvguest: [
      "is answered as not supported, and the next request is served",
      async (program) => {
        await using guest = await startKvp(program);
        for (const operation of [6, 9, 99, 100, 200, 255]) {
          expect(await statusOf(guest.host, kvpMessage(operation))).toBe(HostStatus.notSupported);
        }
        expect(await guest.host.set(0, "key", "value")).toBe(HostStatus.ok);
      },
    ],
  });
});

contract("kvp", "requests that are not well-formed", ({ both, differs, ours }) => {
  // Linux's daemon takes the number for an index into a table of five.
  ours("refuses a pool that does not exist, and serves the next request", async (program) => {
    await using guest = await startKvp(program);
    const { get, set, delete: remove, enumerate } = KvpOperation;
    for (const pool of [5, 200, 255]) {
      for (const operation of [get, set, remove, enumerate]) {
        const status = await statusOf(guest.host, kvpMessage(operation, pool));
        expect(status).toBe(HostStatus.invalidArgument);
      }
    }
    expect(await guest.host.set(0, "key", "value")).toBe(HostStatus.ok);
  });

  // Linux's daemon takes sizes of 2^31 and more for negative ones, and crashes.
  differs("sizes beyond the areas", {
    linux: [
      "are answered as no such key",
      async (program) => {
        await using guest = await startKvp(program);
        const status = await statusOf(guest.host, oversized("keySize", KvpLayout.keyBytes + 1));
        expect(status).toBe(HostStatus.noMoreItems);
      },
    ],
    hvguest: [
      "are refused, and nothing is stored",
      async (program) => {
        await using guest = await startKvp(program);
        for (const size of [KvpLayout.valueBytes + 1, 0x7fffffff, 0x80000000, 0xffffffff]) {
          for (const part of ["keySize", "valueSize"] as const) {
            const status = await statusOf(guest.host, oversized(part, size));
            expect(status).toBe(HostStatus.invalidArgument);
          }
        }
        expect(await guest.host.list(0)).toEqual([]);
      },
    ],
  });

  // Linux's daemon reads on into what follows its table.
  ours("refuses texts that fill their area without an end", async (program) => {
    await using guest = await startKvp(program);
    const key = Buffer.alloc(KvpLayout.keyBytes, "k");
    const value = Buffer.alloc(KvpLayout.valueBytes, "v");
    const small = Buffer.from("small");
    expect(await statusOf(guest.host, withoutEnd(setMessage(0, key, small)))).toBe(
      HostStatus.invalidArgument,
    );
    expect(await statusOf(guest.host, withoutEnd(setMessage(0, small, value)))).toBe(
      HostStatus.invalidArgument,
    );
    expect(await guest.host.list(0)).toEqual([]);
  });

  differs("a key that is not UTF-8", {
    linux: [
      "is stored, and ends every enumeration with a failure",
      async (program) => {
        await using guest = await startKvp(program);
        expect(await statusOf(guest.host, notUtf8())).toBe(HostStatus.ok);
        expect(await guest.host.enumerate(0, 0)).toEqual({ status: HostStatus.fail });
      },
    ],
    hvguest: [
      "is refused",
      async (program) => {
        await using guest = await startKvp(program);
        expect(await statusOf(guest.host, notUtf8())).toBe(HostStatus.invalidArgument);
        expect(await guest.host.list(0)).toEqual([]);
      },
    ],
  });

  both("registers again after a message of the wrong size", async (program) => {
    await using guest = await startKvp(program);
    const { driver, host } = guest;
    for (const bytes of [1, 4, 7431, 7433, 9000]) {
      const released = driver.transport.next("release");
      expect(driver.request(Buffer.alloc(bytes))).resolves.toEqual({ kind: "reset" });
      await released;
      await driver.ready();
      expect(await host.set(0, "size", String(bytes))).toBe(HostStatus.ok);
    }
  });
});

async function statusOf(host: KvpHost, message: Buffer): Promise<number> {
  return (await host.exchange(message)).readUInt32LE(0);
}

function oversized(part: "keySize" | "valueSize", size: number): Buffer {
  const message = setMessage(0, Buffer.from("key"), Buffer.from("value"));
  message.writeUInt32LE(size, KvpLayout.exchange[part]);
  return message;
}

/** The sizes say that the areas are full, as setMessage() counts a terminator. */
function withoutEnd(message: Buffer): Buffer {
  const { keySize, valueSize } = KvpLayout.exchange;
  message.writeUInt32LE(Math.min(message.readUInt32LE(keySize), KvpLayout.keyBytes), keySize);
  message.writeUInt32LE(Math.min(message.readUInt32LE(valueSize), KvpLayout.valueBytes), valueSize);
  return message;
}

function notUtf8(): Buffer {
  return setMessage(0, Buffer.from([0x61, 0xff, 0xfe]), Buffer.from("value"));
}
