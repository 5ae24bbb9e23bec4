import { expect, test } from "bun:test";
import { dnsServers } from "../../src/platform/dns-servers.ts";
import { temporaryRoot } from "../support/temporary-root.ts";

const stub = { "etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0\n" };

test("systemd-networkd's servers of the interface come before the machine's", () => {
  const root = temporaryRoot({
    "run/systemd/netif/links/2":
      "ADMIN_STATE=configured\nDNS=10.0.0.2 10.0.0.3:5353#name fd00::3\n",
    "etc/resolv.conf": "nameserver 9.9.9.9\n",
  });
  expect(dnsServers(2, root)).toEqual(["10.0.0.2", "10.0.0.3", "fd00::3"]);
  expect(dnsServers(3, root)).toEqual(["9.9.9.9"]);
});

test("servers that somebody told systemd-resolved for the interface are found", () => {
  const root = temporaryRoot({
    ...stub,
    "run/systemd/resolve/netif/2": "LLMNR=yes\nSERVERS=fd00::3 10.0.0.2 [fe80::1%eth0]:53\n",
  });
  expect(dnsServers(2, root)).toEqual(["10.0.0.2", "fd00::3", "fe80::1"]);
});

test("behind the stub of systemd-resolved its own list of servers is read", () => {
  const root = temporaryRoot({
    ...stub,
    "run/systemd/resolve/resolv.conf": "# made by\nnameserver 10.0.0.2\nnameserver 10.0.0.2\n",
  });
  expect(dnsServers(2, root)).toEqual(["10.0.0.2"]);
});

test("behind a stub of NetworkManager its own list of servers is read", () => {
  const root = temporaryRoot({
    "etc/resolv.conf": "nameserver 127.0.0.1\n",
    "run/NetworkManager/no-stub-resolv.conf": "nameserver 10.0.0.4\n",
  });
  expect(dnsServers(2, root)).toEqual(["10.0.0.4"]);
});

test("a stub alone is told as no server", () => {
  expect(dnsServers(2, temporaryRoot(stub))).toEqual([]);
  expect(dnsServers(2, temporaryRoot({ "etc/resolv.conf": "nameserver ::1\n" }))).toEqual([]);
  expect(dnsServers(2, temporaryRoot())).toEqual([]);
});

test("what is no address is not told", () => {
  const root = temporaryRoot({ "etc/resolv.conf": "nameserver dns.example\nnameserver 1.1.1.1\n" });
  expect(dnsServers(2, root)).toEqual(["1.1.1.1"]);
});
