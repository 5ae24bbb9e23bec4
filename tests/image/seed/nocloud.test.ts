import { expect, test } from "bun:test";
import { parse } from "yaml";
import { noCloudSeed } from "../../../src/image/seed/nocloud.ts";

function seedOf(external: Record<string, string>, host: Record<string, string> = {}, id = "vm") {
  return noCloudSeed(
    [
      { number: 0, records: new Map(Object.entries(external)) },
      { number: 3, records: new Map(Object.entries(host)) },
    ],
    id,
  );
}

function file(seed: ReturnType<typeof seedOf>, name: "meta-data" | "user-data" | "vendor-data") {
  const bytes = seed?.files[name];
  return bytes && Buffer.from(bytes).toString();
}

const user = { "cloud-init.user-data": "#cloud-config\n" };

test("pools without user-data and meta-data have no seed", () => {
  expect(seedOf({})).toBeUndefined();
  expect(seedOf({ VirtualMachineName: "x", "cloud-init.network-config": "version: 2" })).toBe(
    undefined,
  );
});

test("user-data alone gets meta-data with an instance-id", () => {
  const seed = seedOf(user);
  expect(file(seed, "user-data")).toBe("#cloud-config\n");
  expect(parse(file(seed, "meta-data") ?? "")).toEqual({ "instance-id": seed?.instanceId });
  expect(seed?.instanceId).toMatch(/^hvguest-[0-9a-f]{32}$/);
  expect(seed?.files["network-config"]).toBeUndefined();
});

test("a changed seed and another machine are new instances, the same are not", () => {
  const id = seedOf(user)?.instanceId;
  expect(seedOf(user)?.instanceId).toBe(id);
  expect(seedOf({ ...user, "cloud-init.vendor-data": "v" })?.instanceId).not.toBe(id);
  expect(seedOf(user, {}, "other vm")?.instanceId).not.toBe(id);
});

test("the host's meta-data stay as they are when they have an instance-id", () => {
  const text = "# mine\ninstance-id: i-1\nlocal-hostname: a\n";
  const seed = seedOf({ ...user, "cloud-init.meta-data": text });
  expect(seed?.instanceId).toBe("i-1");
  expect(file(seed, "meta-data")).toBe(text);
});

test("an instance-id is added to meta-data that have none", () => {
  const seed = seedOf({ "cloud-init.meta-data": '{"local-hostname": "a"}' });
  expect(parse(file(seed, "meta-data") ?? "")).toEqual({
    "instance-id": seed?.instanceId,
    "local-hostname": "a",
  });
  expect(file(seed, "user-data")).toBe("");
});

test("meta-data that are no mapping are refused without their text", () => {
  expect(() => seedOf({ "cloud-init.meta-data": "secret" })).toThrow("is not a mapping");
  expect(() => seedOf({ "cloud-init.meta-data": "{secret: [" })).toThrow("is not YAML");
  expect(() => seedOf({ "cloud-init.meta-data": "{secret: [" })).not.toThrow("secret");
});

test("each file comes from the first pool that has it", () => {
  const seed = seedOf(user, { "cloud-init.user-data": "host", "cloud-init.vendor-data.0": "v" });
  expect(file(seed, "user-data")).toBe("#cloud-config\n");
  expect(file(seed, "vendor-data")).toBe("v");
  expect([...(seed?.keys ?? [])]).toEqual([
    [0, ["cloud-init.user-data"]],
    [3, ["cloud-init.vendor-data.0"]],
  ]);
});
