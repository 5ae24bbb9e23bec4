import { expect, test } from "bun:test";
import {
  type IntrinsicSources,
  intrinsicItem,
  intrinsicValue,
} from "../../../src/services/kvp/intrinsics.ts";

const sources: IntrinsicSources = {
  hostName: () => "vm.example.org",
  integrationServicesVersion: () => "3.1",
  addresses: (family) => (family === 4 ? ["10.0.0.2", "10.0.0.3"] : ["fe80::2"]),
  osName: () => "Debian GNU/Linux",
  osVersion: () => "12",
  kernelRelease: () => "6.1.0-26-cloud-amd64",
  machine: () => "x86_64",
};

function allItems(from: IntrinsicSources): [string, string][] {
  const items: [string, string][] = [];
  for (let index = 0; ; index += 1) {
    const item = intrinsicItem(index, from);
    if (item === undefined) {
      return items;
    }
    items.push([item.key, item.value]);
  }
}

test("the ten items have the C daemon's keys, order and meaning", () => {
  expect(allItems(sources)).toEqual([
    ["FullyQualifiedDomainName", "vm.example.org"],
    ["IntegrationServicesVersion", "3.1"],
    ["NetworkAddressIPv4", "10.0.0.2;10.0.0.3"],
    ["NetworkAddressIPv6", "fe80::2"],
    ["OSBuildNumber", "6.1.0-26-cloud-amd64"],
    ["OSName", "Debian GNU/Linux"],
    ["OSMajorVersion", "12"],
    ["OSMinorVersion", ""],
    ["OSVersion", "6.1.0"],
    ["ProcessorArchitecture", "x86_64"],
  ]);
});

test("there is nothing past the last item, at whatever index", () => {
  for (const index of [10, 11, 0x7fffffff, 0xffffffff]) {
    expect(intrinsicItem(index, sources)).toBeUndefined();
  }
});

test("an item is found by its key, and only by exactly that", () => {
  expect(intrinsicValue("OSName", sources)).toBe("Debian GNU/Linux");
  expect(intrinsicValue("OSMinorVersion", sources)).toBe("");
  for (const key of ["osname", "OSName ", "", "toString"]) {
    expect(intrinsicValue(key, sources)).toBeUndefined();
  }
});

test("a list of addresses that is too long for the wire ends between two of them", () => {
  const address = (index: number) => `2001:db8:0:0:0:0:0:${index.toString(16)}`;
  const many = Array.from({ length: 200 }, (_, index) => address(index));
  const value = intrinsicValue("NetworkAddressIPv6", { ...sources, addresses: () => many }) ?? "";
  const shown = value.split(";");
  expect(value.length).toBeLessThanOrEqual(1022);
  expect(shown).toEqual(many.slice(0, shown.length));
  expect(`${value};${many[shown.length]}`.length).toBeGreaterThan(1022);
});

test("a machine without addresses has empty lists", () => {
  expect(intrinsicValue("NetworkAddressIPv4", { ...sources, addresses: () => [] })).toBe("");
});

test("a kernel release without a dash is its own version", () => {
  const custom = { ...sources, kernelRelease: () => "6.12.7" };
  expect(intrinsicValue("OSVersion", custom)).toBe("6.12.7");
});
