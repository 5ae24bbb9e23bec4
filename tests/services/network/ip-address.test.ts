import { expect, test } from "bun:test";
import {
  contains,
  fullIpv6,
  ipv4Mask,
  isAssignable,
  parseAddress,
  parseSubnet,
} from "../../../src/services/network/ip-address.ts";

const address = (text: string) => {
  const parsed = parseAddress(text);
  if (parsed === undefined) {
    throw new Error(`'${text}' is no address`);
  }
  return parsed;
};

test.each([
  ["10.0.0.5", "10.0.0.5"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["fe80:0:0:0:0:0:0:0", "fe80::"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
])("%s is written as the kernel writes it", (text, canonical) => {
  expect(parseAddress(text)?.text).toBe(canonical);
});

test.each(["", "10.0.0", "10.0.0.256", "010.0.0.1", "1::2::3", "fe80::1%eth0", "10.0.0.1/24", "a"])(
  "'%s' is no address",
  (text) => {
    expect(parseAddress(text)).toBeUndefined();
  },
);

test.each([
  ["255.255.255.0", 4, 24],
  ["255.255.255.255", 4, 32],
  ["0.0.0.0", 4, 0],
  ["24", 4, 24],
  ["/24", 4, 24],
  ["64", 6, 64],
  ["/64", 6, 64],
  ["ffff:ffff:ffff:ffff::", 6, 64],
  ["ffff:ffff:ffff:fffe::", 6, 63],
  ["128", 6, 128],
] as const)("subnet %s of IPv%d is %d bits", (text, family, length) => {
  expect(parseSubnet(text, family)).toBe(length);
});

test.each([
  ["255.0.255.0", 4],
  ["33", 4],
  ["129", 6],
  ["255.255.255.0", 6],
  ["ffff::ffff", 6],
  ["ffff::", 4],
  ["", 4],
  ["//24", 4],
  ["-1", 4],
  ["24 ", 4],
] as const)("'%s' is no subnet of IPv%d", (text, family) => {
  expect(parseSubnet(text, family)).toBeUndefined();
});

test.each([
  "0.0.0.0",
  "0.1.2.3",
  "127.0.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "ff02::1",
  "::ffff:10.0.0.1",
])("an interface cannot have %s", (text) => {
  expect(isAssignable(address(text))).toBe(false);
});

test("a network contains its addresses and no others", () => {
  const network = { ...address("10.0.4.5"), length: 22 };
  expect(contains(network, address("10.0.7.255"))).toBe(true);
  expect(contains(network, address("10.0.8.0"))).toBe(false);
  expect(contains({ ...address("fd00::5"), length: 64 }, address("fd00::ffff:1"))).toBe(true);
  expect(contains({ ...address("fd00::5"), length: 64 }, address("10.0.4.5"))).toBe(false);
});

test("masks and full addresses are written for old configuration files", () => {
  expect([0, 1, 22, 32].map(ipv4Mask)).toEqual([
    "0.0.0.0",
    "128.0.0.0",
    "255.255.252.0",
    "255.255.255.255",
  ]);
  expect(fullIpv6("fd00::5")).toBe("fd00:0000:0000:0000:0000:0000:0000:0005");
});
