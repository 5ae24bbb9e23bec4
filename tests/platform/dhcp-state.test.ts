import { expect, test } from "bun:test";
import { dhcpState } from "../../src/platform/dhcp-state.ts";
import { networkInterfaces } from "../../src/platform/network.ts";
import { address, link, records } from "../support/network-records.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

/** The state of eth0, index 2, with one IPv4 address. */
function stateWith(files: Readonly<Record<string, string>>, validSeconds = 0xffffffff) {
  const root = temporaryRoot(files);
  const [eth0] = networkInterfaces(
    records({ links: [link(2, "eth0")], addresses: [address(2, "10.0.0.5", { validSeconds })] }),
    `${root}/sys`,
  );
  if (eth0 === undefined) {
    throw new Error("no interface");
  }
  return dhcpState(eth0, { root, proc: `${root}/proc` });
}

test("without a manager an IPv4 address that expires is a lease", () => {
  expect(stateWith({}, 3600)).toEqual({ ipv4: true, ipv6: false });
  expect(stateWith({})).toEqual({ ipv4: false, ipv6: false });
});

test("a running dhclient counts, its forgotten pid file does not", () => {
  expect(stateWith({ "run/dhclient.eth0.pid": "77\n", "proc/77/comm": "dhclient\n" }).ipv4).toBe(
    true,
  );
  expect(stateWith({ "run/dhclient.eth0.pid": "77\n" }).ipv4).toBe(false);
  expect(stateWith({ "run/dhclient.eth1.pid": "77\n", "proc/77/comm": "" }).ipv4).toBe(false);
});

test("systemd-networkd holds a lease, also one that never expires", () => {
  const managed = { "run/systemd/netif/links/2": "ADMIN_STATE=configured\n" };
  expect(stateWith({ ...managed, "run/systemd/netif/leases/2": "ADDRESS=10.0.0.5\n" })).toEqual({
    ipv4: true,
    ipv6: false,
  });
  expect(stateWith(managed).ipv4).toBe(false);
});

test("systemd-networkd without a lease yet is asked for its configuration, drop-ins last", () => {
  const files = {
    "run/systemd/netif/links/2":
      "ADMIN_STATE=configuring\nNETWORK_FILE=/etc/systemd/network/10-eth.network\n",
    "etc/systemd/network/10-eth.network": "[Match]\nName=eth0\n[Network]\nDHCP=yes\n",
  };
  expect(stateWith(files)).toEqual({ ipv4: true, ipv6: true });
  expect(
    stateWith({
      ...files,
      "etc/systemd/network/10-eth.network.d/50.conf": "[Network]\nDHCP=ipv6\n",
    }),
  ).toEqual({ ipv4: false, ipv6: true });
});

test("an interface that systemd-networkd does not manage is not asked of it", () => {
  expect(
    stateWith(
      {
        "run/systemd/netif/links/2": "ADMIN_STATE=unmanaged\n",
        "run/systemd/netif/leases/2": "ADDRESS=10.0.0.5\n",
      },
      3600,
    ).ipv4,
  ).toBe(true);
});

test("NetworkManager's profile of the device decides", () => {
  const uuid = "1b2c3d4e-0000-4000-8000-000000000001";
  const files = {
    "run/NetworkManager/devices/2": `[device]\nmanaged=true\nconnection-uuid=${uuid}\n`,
    "etc/NetworkManager/system-connections/other.nmconnection":
      "[connection]\nuuid=00000000-0000-4000-8000-000000000002\n[ipv4]\nmethod=manual\n",
  };
  const profile = (method: string) => ({
    ...files,
    "etc/NetworkManager/system-connections/wired.nmconnection": `[connection]\nuuid=${uuid}\n[ipv4]\nmethod=${method}\n`,
  });
  expect(stateWith(profile("auto")).ipv4).toBe(true);
  expect(stateWith(profile("manual"), 3600).ipv4).toBe(false);
});
