import { expect, test } from "bun:test";
import { ifupdown } from "../../../../src/services/network/managers/ifupdown.ts";
import type { Step } from "../../../../src/services/network/plan.ts";
import {
  dhcp,
  eth0,
  everything,
  fakeMachine,
  ipRequest,
  oneAddress,
  textIn,
  wish,
} from "../../../support/network-wish.ts";

const path = "/etc/network/interfaces.d/hvguest-eth0";
const main = "/etc/network/interfaces";
const withoutComment = (text: string | undefined) => text?.slice(text.indexOf("\n") + 1);
const machine = (files: Readonly<Record<string, string>> = {}) =>
  fakeMachine({
    programs: ["ifup", "ifdown", "ip", "resolvconf"],
    files: { "etc/network/interfaces": "source /etc/network/interfaces.d/*\n", ...files },
  });

test("everything becomes stanzas, one for each address", async () => {
  const plan = await ifupdown.plan(wish(everything), machine());
  expect(plan.files.map((file) => file.path)).toEqual([path]);
  expect(withoutComment(textIn(plan, path))).toBe(`auto eth0

iface eth0 inet static
    address 192.0.2.20
    netmask 255.255.255.0
    gateway 192.0.2.1
    up ip route add default via 203.0.113.1 dev $IFACE onlink metric 1124
    dns-nameservers 192.0.2.53

iface eth0 inet static
    address 198.51.100.20
    netmask 255.255.255.128

iface eth0 inet6 static
    address fd00::20
    netmask 64
    gateway fd00::1
    dns-nameservers fd00::53
    accept_ra 0

iface eth0 inet6 static
    address fd01::20
    netmask 56
`);
});

test("stanzas elsewhere are taken out, and what they say besides addresses goes on", async () => {
  const plan = await ifupdown.plan(
    wish(oneAddress),
    machine({
      "etc/network/interfaces": `# the loopback
auto lo
iface lo inet loopback
source interfaces.d/50-*

allow-hotplug eth0
iface eth0 inet dhcp
    mtu 1400
    up echo "a \\
       b"
# not about eth0
iface eth1 inet dhcp
`,
      "etc/network/interfaces.d/50-cloud-init": `iface eth0 inet6 auto
    dns-search example.com
`,
    }),
  );
  expect(textIn(plan, main)).toBe(`# the loopback
auto lo
iface lo inet loopback
source interfaces.d/50-*

allow-hotplug eth0
iface eth1 inet dhcp
source /etc/network/interfaces.d/hvguest-*
`);
  expect(textIn(plan, "/etc/network/interfaces.d/50-cloud-init")).toBe("");
  expect(withoutComment(textIn(plan, path))).toBe(`
iface eth0 inet static
    address 192.0.2.20
    netmask 255.255.255.0
    gateway 192.0.2.1
    dns-nameservers 192.0.2.53
    mtu 1400
    up echo "a        b"

iface eth0 inet6 auto
    dns-search example.com
`);
});

test("a line that goes on is one option, and is left out as one", async () => {
  const plan = await ifupdown.plan(
    wish(dhcp),
    machine({
      "etc/network/interfaces": `# A comment does not go on \\
source interfaces.d/*
auto lo \\
  eth0
iface eth0 inet static
    address 10.0.0.1/24
    dns-nameservers 10.0.0.2 \\
      10.0.0.3
    # nor does this \\
    mtu 1400
`,
    }),
  );
  expect(textIn(plan, main)).toBe(
    "# A comment does not go on \\\nsource interfaces.d/*\nauto lo \\\n  eth0\n",
  );
  expect(withoutComment(textIn(plan, path))).toBe("\niface eth0 inet dhcp\n    mtu 1400\n");
});

/** Which files a plan changes on a machine whose main file begins with `source`. */
const changedWith = async (source: string, rest: Readonly<Record<string, string>> = {}) => {
  const files = { "etc/network/interfaces": `${source}\n`, ...rest };
  const plan = await ifupdown.plan(wish(oneAddress), machine(files));
  return Object.fromEntries(plan.files.map((file) => [file.path, file.text]));
};

test.each([
  "source /etc/network/interfaces.d/*",
  "source interfaces.d/*",
  "source other.d/* interfaces.d/hvguest-eth?",
  'source "/etc/network/interfaces.d/[a-z]*" # ours too',
  "source /etc/*/interfaces.d/hvguest-*",
  "source-directory interfaces.d",
  "source-directory /etc/network/interfaces.d/",
  "source-directory /etc/network/*.d",
])("our file is read by %j", async (source) => {
  expect(Object.keys(await changedWith(source))).toEqual([path]);
});

test.each([
  "auto lo",
  "# source /etc/network/interfaces.d/*",
  "source /etc/network/interfaces.d/*.cfg",
  "source /etc/network/interfaces.d",
  "source /etc/network/*",
  "source other.d/* # interfaces.d/*",
  "source-directory /run/network/interfaces.d",
  "source-directory /etc/network",
])("our file is not read by %j, and gets a line that does", async (source) => {
  expect((await changedWith(source))[main]).toBe(
    `${source}\nsource /etc/network/interfaces.d/hvguest-*\n`,
  );
});

test("only files that are read are changed, however they are named", async () => {
  const text = "auto eth0\niface eth0 inet dhcp\n";
  const changed = await changedWith("source interfaces.d/*.cfg\nsource-directory more.d", {
    "etc/network/interfaces.d/50-cloud-init.cfg": `source deeper/[ab]\n${text}`,
    "etc/network/interfaces.d/.hidden.cfg": text,
    "etc/network/interfaces.d/other": text,
    "etc/network/interfaces.d/deeper/a": text,
    "etc/network/interfaces.d/deeper/c": text,
    "etc/network/more.d/b_1": text,
    "etc/network/more.d/b.dpkg-old": text,
  });
  expect(Object.keys(changed).filter((one) => one !== main && one !== path)).toEqual([
    "/etc/network/interfaces.d/50-cloud-init.cfg",
    "/etc/network/more.d/b_1",
    "/etc/network/interfaces.d/deeper/a",
  ]);
  expect(changed["/etc/network/interfaces.d/50-cloud-init.cfg"]).toBe(
    "source deeper/[ab]\nauto eth0\n",
  );
});

test("what a helper of cloud images made in /run is taken out, and not relied upon", async () => {
  const changed = await changedWith("source-directory /run/network/interfaces.d", {
    "run/network/interfaces.d/eth0": "auto eth0\nallow-hotplug eth0\n\niface eth0 inet dhcp\n",
  });
  expect(changed["/run/network/interfaces.d/eth0"]).toBe("auto eth0\nallow-hotplug eth0\n\n");
  expect(withoutComment(changed[path])).toStartWith("auto eth0\n\niface eth0 inet static\n");
});

test("the same wish on its own result gives the same files", async () => {
  const first = await ifupdown.plan(
    wish(everything),
    machine({ "etc/network/interfaces": "iface eth0 inet dhcp\n    mtu 1400\n" }),
  );
  const files = Object.fromEntries(
    first.files.map((file) => [file.path.slice(1), file.text ?? ""]),
  );
  const again = await ifupdown.plan(wish(everything), machine(files));
  expect(again.files).toEqual([{ path, text: textIn(first, path), mode: 0o644 }]);
});

test("DHCP and IPv6 alone", async () => {
  const text = async (request: typeof dhcp) =>
    withoutComment(textIn(await ifupdown.plan(wish(request), machine()), path));
  expect(await text(dhcp)).toBe("auto eth0\n\niface eth0 inet dhcp\n");
  expect(await text(ipRequest({ addresses: "fd00::20", subnets: "64" }))).toBe(`auto eth0

iface eth0 inet manual

iface eth0 inet6 static
    address fd00::20
    netmask 64
    accept_ra 0
`);
});

test("the interface is taken down by its old stanzas and brought up by the new ones", async () => {
  const plan = await ifupdown.plan(wish(oneAddress), machine());
  expect(plan.before).toEqual([
    { program: "/usr/bin/ifdown", args: ["eth0"], mayFail: true },
    {
      program: "/usr/bin/ip",
      args: ["address", "flush", "dev", "eth0", "scope", "global"],
      mayFail: true,
    },
  ]);
  expect(plan.activate).toEqual([{ program: "/usr/bin/ifup", args: ["eth0"] }]);
  expect(plan.reactivate).toEqual([...plan.before.slice(1), ...plan.activate]);
});

test("where systemd runs, ifup has a unit that its DHCP client may outlive, and a lease is not waited for", async () => {
  const withSystemd = fakeMachine({
    programs: ["ifup", "ifdown", "systemd-run", "systemctl"],
    files: { "run/systemd/system/x": "" },
  });
  const steps = async (request: typeof dhcp) => {
    const { activate, abandon, reactivate } = await ifupdown.plan(wish(request), withSystemd);
    return [activate, abandon ?? [], reactivate].map((some) =>
      some.map(({ args }) => args.join(" ").replace(/-[0-9a-f]{8}\.service/, "-X.service")),
    );
  };
  const script = "--property=Type=oneshot --property=KillMode=process /usr/bin/ifup eth0";
  const end = ["kill --signal=SIGKILL hvguest-ifup-X.service", "stop hvguest-ifup-X.service"];
  expect(await steps(oneAddress)).toEqual([
    [`--quiet --collect --unit=hvguest-ifup-X.service --wait --pipe ${script}`],
    end,
    [`--quiet --collect --wait ${script}`],
  ]);
  expect(await steps(dhcp)).toEqual([
    [`--quiet --collect --unit=hvguest-ifup-X.service ${script}`],
    end,
    [`--quiet --collect ${script}`],
  ]);
});

test("a unit is ended by the name that it was given, which no other has", async () => {
  const plan = () =>
    ifupdown.plan(
      wish(dhcp),
      fakeMachine({
        programs: ["ifup", "ifdown", "systemd-run", "systemctl"],
        files: { "run/systemd/system/x": "" },
      }),
    );
  const nameIn = (steps: readonly Step[] | undefined) =>
    /hvguest-\S+\.service/.exec(steps?.flatMap(({ args }) => args).join(" ") ?? "")?.[0];
  const [one, other] = [await plan(), await plan()];
  expect(nameIn(one.activate)).toBeDefined();
  expect(nameIn(one.abandon)).toBe(nameIn(one.activate));
  expect(nameIn(other.activate)).not.toBe(nameIn(one.activate));
});

test("without resolvconf the servers are written into /etc/resolv.conf", async () => {
  const plan = await ifupdown.plan(
    wish(everything),
    fakeMachine({
      programs: ["ifup", "ifdown"],
      files: { "etc/resolv.conf": "search example.com\nnameserver 10.0.0.2\noptions rotate\n" },
    }),
  );
  expect(textIn(plan, "/etc/resolv.conf")).toBe(
    "nameserver 192.0.2.53\nnameserver fd00::53\nsearch example.com\noptions rotate\n",
  );
});

test("a name that a shell would not take as it is, is refused", async () => {
  const target = { ...eth0, name: "e$(reboot)" };
  await expect(async () => ifupdown.plan(wish(dhcp, target), machine())).toThrow(
    "'e$(reboot)' is not safe in a shell script",
  );
});

test("it manages what ifquery knows", async () => {
  const answered = (status: number) => fakeMachine({ answers: { "ifquery eth0": { status } } });
  expect(await ifupdown.manages(eth0, answered(0))).toBe(true);
  expect(await ifupdown.manages(eth0, answered(1))).toBe(false);
  expect(await ifupdown.manages(eth0, fakeMachine({}))).toBe(false);
});
