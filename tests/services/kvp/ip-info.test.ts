import { expect, test } from "bun:test";
import { type AdapterAddresses, ipInfoReply } from "../../../src/services/kvp/ip-info.ts";

const adapter: AdapterAddresses = {
  families: 3,
  dhcpEnabled: true,
  addresses: ["10.0.0.2", "fe80::2"],
  subnets: ["255.0.0.0", "/64"],
  gateways: ["10.0.0.1", "fe80::1"],
  dnsServers: ["10.0.0.3"],
};

test("addresses and subnets are joined, gateways and DNS servers each end with a semicolon", () => {
  expect(ipInfoReply(adapter)).toEqual({
    kind: "ipInfo",
    addressFamilies: 3,
    dhcpEnabled: true,
    addresses: "10.0.0.2;fe80::2",
    subnets: "255.0.0.0;/64",
    gateways: "10.0.0.1;fe80::1;",
    dnsServers: "10.0.0.3;",
  });
});

test("an adapter without addresses has empty lists", () => {
  const none = { addresses: [], subnets: [], gateways: [], dnsServers: [] };
  expect(ipInfoReply({ families: 0, dhcpEnabled: false, ...none })).toEqual({
    kind: "ipInfo",
    addressFamilies: 0,
    dhcpEnabled: false,
    addresses: "",
    subnets: "",
    gateways: "",
    dnsServers: "",
  });
});

function reply(changes: Partial<AdapterAddresses>) {
  const answer = ipInfoReply({ ...adapter, ...changes });
  if (answer.kind !== "ipInfo") {
    throw new Error(`the reply is ${answer.kind}`);
  }
  return answer;
}

test("lists that are too long for the wire end between items", () => {
  const many = (text: string) => Array.from({ length: 300 }, () => text);
  const { gateways, dnsServers } = reply({
    gateways: many("10.0.0.1"),
    dnsServers: many("fe80::1:2:3:4"),
  });
  // 56 * 9 = 504 of 512 units, 73 * 14 = 1022 of 1024.
  expect(gateways).toBe("10.0.0.1;".repeat(56));
  expect(dnsServers).toBe("fe80::1:2:3:4;".repeat(73));
});

test("as many subnets as addresses are told, whichever list ends first", () => {
  const long = Array.from({ length: 100 }, () => "255.255.255.255");
  const short = Array.from({ length: 100 }, () => "10.0.0.2");
  const countOf = (list: string) => list.split(";").length;
  const subnetsEnd = reply({ addresses: short, subnets: long });
  expect([countOf(subnetsEnd.addresses), countOf(subnetsEnd.subnets)]).toEqual([64, 64]);
  const addressesEnd = reply({ addresses: long, subnets: short });
  expect([countOf(addressesEnd.addresses), countOf(addressesEnd.subnets)]).toEqual([64, 64]);
});
