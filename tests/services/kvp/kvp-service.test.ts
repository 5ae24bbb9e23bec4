import { expect, test } from "bun:test";
import { constants } from "node:os";
import { Logger } from "../../../src/log.ts";
import { pathsFrom } from "../../../src/platform/paths.ts";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { NativeError } from "../../../src/native/native-error.ts";
import { type KvpParts, KvpService } from "../../../src/services/kvp/kvp-service.ts";
import { RecordError } from "../../../src/services/kvp/pool-record.ts";
import { monotonicMilliseconds } from "../../../src/services/network/network-step.ts";
import { FreezeState } from "../../../src/services/freeze-state.ts";
import { defaultSettings } from "../../../src/services/settings.ts";
import { type KvpKernel, kvpKernel, kvpMessage } from "../../support/kvp-kernel.ts";
import type { PreparedAnswers } from "../../../src/transport/channel.ts";
import { connectedChannel } from "../../support/memory-channel.ts";
import { until } from "../../support/until.ts";

const mac = "00:15:5D:01:02:03";

const parts: KvpParts = {
  pools: {
    snapshot: () => undefined,
    record: (pool, index) =>
      pool === 0 && index === 0 ? { key: "key", value: "value" } : undefined,
    get: (pool, key) => (pool === 0 && key === "key" ? "value" : undefined),
    set: () => undefined,
    delete: (pool, key) => pool === 0 && key === "key",
  },
  network: {
    isWatched: true,
    reportByMac: (asked) =>
      asked === mac
        ? {
            families: 1,
            dhcpEnabled: false,
            addresses: ["10.0.0.2"],
            subnets: ["255.0.0.0"],
            gateways: ["10.0.0.1"],
            dnsServers: [],
          }
        : undefined,
    intrinsicAddresses: (family) => (family === 4 ? ["10.0.0.2"] : []),
  },
  applyIpInfo: () => Promise.resolve(),
  intrinsics: {
    hostName: () => "vm.example.org",
    osName: () => "Linux",
    osVersion: () => "1",
    kernelRelease: () => "6.1.0-1",
    machine: () => "x86_64",
  },
  settingsChanged: () => undefined,
  stop: () => undefined,
};

interface Running {
  readonly kernel: KvpKernel;
  readonly lines: readonly string[];
  readonly logger: Logger;
  readonly service: KvpService;
  readonly freezeState: FreezeState;
}

/** The service, registered. */
async function running(
  changes: Partial<KvpParts> = {},
  level: "info" | "debug" = "info",
  prepared?: PreparedAnswers,
) {
  const lines: string[] = [];
  const logger = new Logger({ sink: (line) => lines.push(line.trimEnd()), level, journal: false });
  const freezeState = new FreezeState();
  const service = new KvpService(
    {
      paths: pathsFrom({}),
      log: logger.log("kvp"),
      logger,
      settings: defaultSettings,
      freezeState,
      statusChanged: () => undefined,
    },
    { ...parts, ...changes },
  );
  const [channel, far] = connectedChannel();
  const { promise, resolve } = Promise.withResolvers<void>();
  // It ends with its channel, which nobody asks for here.
  const near = prepared === undefined ? channel : { ...channel, prepared };
  service.serve(near, resolve, new AbortController().signal).catch(() => undefined);
  const kernel = kvpKernel(far);
  await kernel.register();
  await promise;
  return { kernel, lines, logger, service, freezeState } satisfies Running;
}

test("is registered when the kernel has said its version, which becomes an item", async () => {
  const { kernel, lines, service } = await running();
  expect(lines).toEqual(["notice: kvp: registered with the kernel, version 3.1"]);
  const item = await kernel.enumerate(2, 1);
  expect([item.status, item.key, item.value]).toEqual([0, "IntegrationServicesVersion", "3.1"]);
  expect(service.status()).toBe("registered, version 3.1, 1 requests");
});

test("pool AUTO has the intrinsic items, and ends after them", async () => {
  const { kernel } = await running();
  const first = await kernel.enumerate(2, 0);
  expect([first.key, first.value]).toEqual(["FullyQualifiedDomainName", "vm.example.org"]);
  expect((await kernel.enumerate(2, 9)).key).toBe("ProcessorArchitecture");
  expect((await kernel.enumerate(2, 10)).status).toBe(Status.noMoreItems);
  expect((await kernel.get(2, "OSName")).value).toBe("Linux");
});

test("addresses that the kernel does not tell are left out, and hide no other item", async () => {
  const network = {
    ...parts.network,
    intrinsicAddresses: () => {
      throw new NativeError("open a netlink socket", constants.errno.EMFILE);
    },
  };
  const { kernel, lines } = await running({ network });
  for (const [index, value] of [
    [2, ""],
    [3, ""],
    [5, "Linux"],
  ] as const) {
    expect(await kernel.enumerate(2, index)).toMatchObject({ status: 0, value });
  }
  expect(lines.at(-1)).toContain("(EMFILE), telling the host no IPv6 addresses");
});

test("an item without the addresses that could not be read is not prepared", async () => {
  let isRefused = true;
  const network = {
    ...parts.network,
    intrinsicAddresses: () => {
      if (isRefused) {
        throw new NativeError("open a netlink socket", constants.errno.EMFILE);
      }
      return ["10.0.0.2"];
    },
  };
  let added = 0;
  const { kernel } = await running({ network }, "info", {
    add: (list) => void (added += list.length),
    forget: () => undefined,
    sent: () => 0,
  });
  await kernel.enumerate(2, 2);
  await kernel.enumerate(2, 3);
  expect(added).toBe(0);
  isRefused = false;
  expect((await kernel.enumerate(2, 2)).value).toBe("10.0.0.2");
  await kernel.enumerate(2, 3);
  expect(added).toBeGreaterThan(0);
});

test("the other pools are the store's", async () => {
  const stored: [number, string, string][] = [];
  const pools = {
    ...parts.pools,
    set: (pool: number, key: string, value: string) => {
      stored.push([pool, key, value]);
    },
  };
  const { kernel } = await running({ pools });
  const item = await kernel.enumerate(0, 0);
  expect([item.status, item.key, item.value]).toEqual([0, "key", "value"]);
  expect((await kernel.enumerate(0, 1)).status).toBe(Status.noMoreItems);
  expect(await kernel.set(3, "clé", "välue")).toBe(Status.ok);
  expect(stored).toEqual([[3, "clé", "välue"]]);
  expect(await kernel.delete(0, "key")).toBe(Status.ok);
  expect(await kernel.delete(1, "key")).toBe(Status.noMoreItems);
});

test("a GET really answers", async () => {
  const { kernel } = await running();
  const answer = await kernel.get(0, "key");
  expect([answer.status, answer.value]).toEqual([Status.ok, "value"]);
  expect((await kernel.get(0, "other")).status).toBe(Status.noMoreItems);
});

test("what cannot be served gets the status that says so, and the next request is served", async () => {
  const { kernel } = await running();
  expect((await kernel.enumerate(200, 0)).status).toBe(Status.invalidArgument);
  expect((await kernel.send(kvpMessage(9, 0))).status).toBe(Status.notSupported);
  const oversized = kvpMessage(2, 0);
  oversized.writeUInt32LE(0xffffffff, 4);
  expect((await kernel.send(oversized)).status).toBe(Status.invalidArgument);
  expect((await kernel.get(0, "key")).value).toBe("value");
});

test("a store that fails is a failure to the host, and a warning", async () => {
  const pools = {
    ...parts.pools,
    set: () => {
      throw new Error("write '/var/lib/hyperv/.kvp_pool_0': no space left on device");
    },
  };
  const { kernel, lines } = await running({ pools });
  expect(await kernel.set(0, "key", "secret")).toBe(Status.fail);
  expect(lines.at(-1)).toBe(
    "warning: kvp: set pool=0 key='key': " +
      "write '/var/lib/hyperv/.kvp_pool_0': no space left on device",
  );
});

test("what no record holds and a full disk have their own status", async () => {
  const failures: [Error, number][] = [
    [new RecordError("a key is empty"), Status.invalidArgument],
    [new NativeError("write '.kvp_pool_0'", constants.errno.ENOSPC), Status.diskFull],
    [new NativeError("write '.kvp_pool_0'", constants.errno.EDQUOT), Status.diskFull],
    [new NativeError("write '.kvp_pool_0'", constants.errno.EIO), Status.fail],
  ];
  for (const [failure, status] of failures) {
    const set = () => {
      throw failure;
    };
    const { kernel } = await running({ pools: { ...parts.pools, set } });
    expect(await kernel.set(0, "key", "value")).toBe(status);
  }
});

test("an adapter is asked for by its address", async () => {
  const { kernel } = await running();
  const { status, bytes } = await kernel.getIpInfo(mac);
  expect(status).toBe(0);
  expect(bytes.subarray(260, 262)).toEqual(Buffer.of(1, 0));
  expect(bytes.toString("utf8", 262, 262 + 9)).toBe("10.0.0.2\0");
  expect(bytes.toString("utf8", 4358, 4358 + 10)).toBe("10.0.0.1;\0");
  expect((await kernel.getIpInfo("00:00:00:00:00:00")).status).toBe(Status.fail);
});

test("new addresses are applied before the host is answered, and a refusal has its status", async () => {
  const applied: string[] = [];
  const { kernel } = await running({
    applyIpInfo: (request) => {
      applied.push(request.adapterId);
      return request.adapterId === "{known}"
        ? Promise.resolve()
        : Promise.reject(new RequestError(Status.guidNotFound, "no such adapter"));
    },
  });
  expect(await kernel.setIpInfo("{known}")).toBe(Status.ok);
  expect(await kernel.setIpInfo("{unknown}")).toBe(Status.guidNotFound);
  expect(applied).toEqual(["{known}", "{unknown}"]);
});

test("new addresses that wait for the end of a backup are told when they were asked for", async () => {
  let arrival = Infinity;
  const applyIpInfo: KvpParts["applyIpInfo"] = (_request, _signal, arrived) => {
    arrival = arrived;
    return Promise.resolve();
  };
  const { kernel, lines, freezeState } = await running({ applyIpInfo }, "debug");
  freezeState.freeze();
  const answer = kernel.setIpInfo("{known}");
  await until(() => lines.some((line) => line.includes("{known}")));
  const waiting = monotonicMilliseconds();
  await Bun.sleep(5);
  freezeState.thaw();
  expect(await answer).toBe(Status.ok);
  expect(arrival).toBeLessThanOrEqual(waiting);
});

test("the end of an enumeration is not worth a line", async () => {
  const { kernel, lines } = await running();
  await kernel.enumerate(0, 1);
  await kernel.get(0, "other");
  expect(lines).toHaveLength(1);
});

test("a host that asks nonsense for ever does not fill the journal", async () => {
  const { kernel, lines } = await running();
  for (let round = 0; round < 100; round += 1) {
    await kernel.enumerate(200, round);
  }
  expect(lines).toHaveLength(1 + 20);
  expect(lines.at(-1)).toBe(
    "warning: kvp: refuse a request: pool 200 does not exist " +
      "(more failures of this connection are shown at level debug)",
  );
});

test("values are never logged: secrets travel there", async () => {
  const { kernel, lines } = await running({}, "debug");
  await kernel.set(0, "password", "secret");
  expect(lines).toContain("debug: kvp: set pool=0 key='password'");
  expect(lines.join("\n")).not.toContain("secret");
});

test("from a reload with level debug on every request is shown: nothing is prepared", async () => {
  let added = 0;
  const prepared: PreparedAnswers = {
    add: (answers) => {
      added += answers.length;
    },
    forget: () => undefined,
    sent: () => 0,
  };
  const { kernel, lines, logger } = await running({}, "info", prepared);
  // What follows is prepared when the answer is on its way.
  await kernel.enumerate(2, 0);
  await kernel.enumerate(2, 1);
  expect(added).toBeGreaterThan(0);
  logger.setLevel("debug");
  added = 0;
  await kernel.enumerate(2, 5);
  await kernel.enumerate(2, 6);
  await kernel.set(0, "a", "1");
  expect(added).toBe(0);
  expect(lines.filter((line) => line.startsWith("debug: kvp: enumerate"))).toHaveLength(2);
});

test("new settings reach the parts", async () => {
  let changes = 0;
  const { service } = await running({
    settingsChanged: () => {
      changes += 1;
    },
  });
  service.settingsChanged();
  expect(changes).toBe(1);
});

test("stopping ends the parts", async () => {
  let stops = 0;
  const { service } = await running({
    stop: () => {
      stops += 1;
    },
  });
  await service.stop();
  expect(stops).toBe(1);
});
