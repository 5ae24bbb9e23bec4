import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { seed } from "../../../src/cli/commands/seed.ts";
import { PoolStore } from "../../../src/services/kvp/pool-store.ts";

interface Guest extends Disposable {
  readonly root: string;
  readonly folder: string;
  readonly pools: PoolStore;
  run(options?: Record<string, unknown>): Promise<{ status: number; printed: string }>;
}

function guest(): Guest {
  const root = mkdtempSync(`${tmpdir()}/hvguest-seed-`);
  const pools = new PoolStore(`${root}/var/lib/hyperv`, () => {});
  pools.open();
  return {
    root,
    pools,
    folder: `${root}/var/lib/cloud/seed/nocloud`,
    run: async (options = {}) => {
      let printed = "";
      const defaults = { format: "nocloud", wait: 0, boot: false, delete: false, json: false };
      const status = await seed.run?.(
        { ...defaults, ...options },
        {
          environment: { HVGUEST_ROOT: root, HVGUEST_KERNEL_ROOT: root },
          print: (text) => (printed += text),
          complain: (text) => (printed += text),
          signal: new AbortController().signal,
          commands: [],
        },
      );
      return { status: status ?? -1, printed };
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true }),
  };
}

test("a seed becomes files that only root reads, and its text is not printed", async () => {
  using vm = guest();
  vm.pools.set(0, "cloud-init.user-data", "#cloud-config\npassword: secret\n");
  vm.pools.set(3, "cloud-init.network-config", "version: 2\n");
  const { status, printed } = await vm.run();
  expect(status).toBe(0);
  expect(printed).not.toContain("secret");
  expect(readdirSync(vm.folder).sort()).toEqual(["meta-data", "network-config", "user-data"]);
  for (const name of readdirSync(vm.folder)) {
    expect(statSync(`${vm.folder}/${name}`).mode & 0o777).toBe(0o600);
  }
  expect(JSON.parse((await vm.run({ json: true })).printed)).toMatchObject({
    found: true,
    changed: false,
  });
});

test("files that a changed seed no longer has go; an empty pool leaves the seed", async () => {
  using vm = guest();
  vm.pools.set(0, "cloud-init.user-data", "a");
  vm.pools.set(0, "cloud-init.vendor-data", "b");
  await vm.run();
  vm.pools.delete(0, "cloud-init.vendor-data");
  await vm.run();
  expect(readdirSync(vm.folder)).not.toContain("vendor-data");
  vm.pools.delete(0, "cloud-init.user-data");
  expect((await vm.run()).status).toBe(1);
  expect((await vm.run({ boot: true })).status).toBe(0);
  expect(readFileSync(`${vm.folder}/user-data`, "utf8")).toBe("a");
});

test("a broken seed fails and leaves the old one", async () => {
  using vm = guest();
  vm.pools.set(0, "cloud-init.user-data", "a");
  await vm.run();
  vm.pools.set(0, "cloud-init.user-data.sha256", "0");
  expect(vm.run()).rejects.toThrow("checksum");
  expect(readFileSync(`${vm.folder}/user-data`, "utf8")).toBe("a");
});

test("the keys are deleted after use when that is asked for", async () => {
  using vm = guest();
  vm.pools.set(0, "other", "kept");
  vm.pools.set(0, "cloud-init.user-data.0", "a");
  vm.pools.set(0, "cloud-init.user-data.encoding", "plain");
  await vm.run({ delete: true });
  expect(vm.pools.record(0, 0)).toEqual({ key: "other", value: "kept" });
  expect(vm.pools.record(0, 1)).toBeUndefined();
});

test("waiting ends when the last part has come", async () => {
  using vm = guest();
  vm.pools.set(0, "cloud-init.user-data.parts", "2");
  vm.pools.set(0, "cloud-init.user-data.0", "a");
  const waiting = vm.run({ wait: 60 });
  vm.pools.set(0, "cloud-init.user-data.1", "b");
  expect((await waiting).status).toBe(0);
  expect(readFileSync(`${vm.folder}/user-data`, "utf8")).toBe("ab");
});

test("waiting ends without a seed when the time is up, and not at all after the first boot", async () => {
  using vm = guest();
  expect((await vm.run({ wait: 0.05 })).status).toBe(1);
  mkdirSync(`${vm.root}/var/lib/cloud/instance`, { recursive: true });
  expect((await vm.run({ wait: 3600, boot: true })).status).toBe(0);
});

test("Ignition's configuration is joined from the parts that libhvee makes", async () => {
  using vm = guest();
  expect((await vm.run({ format: "ignition" })).status).toBe(1);
  vm.pools.set(0, "ignition.config.0", '{"ignition":');
  vm.pools.set(0, "ignition.config.1", '{"version":"3.4.0"}}');
  expect(await vm.run({ format: "ignition" })).toEqual({
    status: 0,
    printed: '{"ignition":{"version":"3.4.0"}}',
  });
  await vm.run({ format: "ignition", output: `${vm.root}/config.ign` });
  expect(statSync(`${vm.root}/config.ign`).mode & 0o777).toBe(0o600);
});
