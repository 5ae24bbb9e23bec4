import { expect, test } from "bun:test";
import { networkManager } from "../../../../src/services/network/managers/network-manager.ts";
import {
  dhcp,
  eth0,
  everything,
  fakeMachine,
  ipRequest,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const path = "/etc/NetworkManager/system-connections/hvguest-eth0.nmconnection";
const uuid = /^uuid=([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/m;
const previous = "1b2c3d4e-0000-4000-8000-000000000001";

const machine = (answers = {}) => fakeMachine({ programs: ["nmcli"], answers });

test("everything becomes a keyfile that only root reads", async () => {
  const plan = await networkManager.plan(wish(everything), machine());
  expect(plan.files).toMatchObject([{ path, mode: 0o600 }]);
  const text = textIn(plan, path) ?? "";
  const id = uuid.exec(text)?.[1];
  expect(text.slice(text.indexOf("\n") + 1)).toBe(`
[connection]
id=hvguest eth0
uuid=${id}
type=ethernet
interface-name=eth0
autoconnect-priority=999

[ipv4]
method=manual
address1=192.0.2.20/24
address2=198.51.100.20/25
gateway=192.0.2.1
route1=0.0.0.0/0,203.0.113.1,1124
dns=192.0.2.53;
ignore-auto-dns=true

[ipv6]
method=manual
address1=fd00::20/64
address2=fd01::20/56
gateway=fd00::1
dns=fd00::53;
ignore-auto-dns=true
`);
});

test("a profile has the same identity each time, and another one for each interface", async () => {
  const identity = async (name: string) => {
    const plan = await networkManager.plan(wish(dhcp, { ...eth0, name }), machine());
    return uuid.exec(plan.files[0]?.text ?? "")?.[1];
  };
  expect(await identity("eth0")).toBe((await identity("eth0")) ?? "none");
  expect(await identity("eth0")).not.toBe(await identity("eth1"));
});

test("DHCP, no IPv4 and automatic IPv6 are methods", async () => {
  const methods = async (request: Parameters<typeof ipRequest>[0]) => {
    const plan = await networkManager.plan(wish(ipRequest(request)), machine());
    return [...(textIn(plan, path) ?? "").matchAll(/^method=(.*)$/gm)].map((match) => match[1]);
  };
  expect(await methods({ dhcpEnabled: true })).toEqual(["auto", "auto"]);
  expect(await methods({ addresses: "fd00::20", subnets: "64" })).toEqual(["disabled", "manual"]);
});

test("a static profile is waited for, a DHCP lease is not", async () => {
  const wait = async (request: typeof dhcp) =>
    (await networkManager.plan(wish(request), machine())).activate[1]?.args[1];
  expect(await wait(everything)).toBe("15");
  expect(await wait(dhcp)).toBe("0");
});

test("taking it back brings up the profile that was up before", async () => {
  const plan = await networkManager.plan(
    wish(dhcp),
    machine({ "nmcli -g GENERAL.CON-UUID device show eth0": { stdout: `${previous}\n` } }),
  );
  expect(plan.reactivate.map(({ args }) => args.join(" "))).toEqual([
    "connection reload",
    `--wait 0 connection up uuid ${previous} ifname eth0`,
  ]);
});

test.each([
  ["100 (connected)", true],
  ["30 (disconnected)", true],
  ["20 (unavailable)", true],
  ["10 (unmanaged)", false],
])("a device in state %s: %p", async (state, expected) => {
  const answers = { "nmcli -g GENERAL.STATE device show eth0": { stdout: `${state}\n` } };
  expect(await networkManager.manages(eth0, machine(answers))).toBe(expected);
});

test("without nmcli, or when it cannot ask, nothing is managed", async () => {
  expect(await networkManager.manages(eth0, machine())).toBe(false);
  const answers = { "nmcli -g GENERAL.STATE device show eth0": { status: 8, stdout: "" } };
  expect(await networkManager.manages(eth0, machine(answers))).toBe(false);
});
