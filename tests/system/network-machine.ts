// A Debian with network managers, and shell scripts run in it with a network of
// their own: eth0 is one end of a cable, whose other end is `peer`.

import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { buildExecutable, executablePath } from "../../scripts/build.ts";
import { DebianRoot } from "./debian-root.ts";

const packages = [
  "dbus",
  "ifupdown",
  "iproute2",
  "isc-dhcp-client",
  "iputils-ping",
  "netplan.io",
  "network-manager",
  "systemd",
];

/** /run and the network are new each time, /sys is read-only: so managers do without udev. */
const prepare = `
set -e
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs run "$1/run"
for node in null zero full random urandom; do
  touch "$1/dev/$node"; mount --bind /dev/$node "$1/dev/$node"
done
echo 0123456789abcdef0123456789abcdef > "$1/etc/machine-id"
rm -rf "$1/var/lib/hvguest"
ip link set lo up
ip link add eth0 address 00:15:5d:01:02:03 type veth peer name peer
ip link set peer up
exec chroot "$1" /bin/sh -c "exec 2>&1; set -e; $2"
`;

/** Shell functions of every script. */
const functions = `
apply() { hvguest net apply --json "$@" - <<END
$wish
END
}
shown() { hvguest net show --json; }
# Waits until a command succeeds.
until_ok() { for i in $(seq 600); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done; echo "never: $*"; exit 1; }
has() { ip -o addr show dev eth0 | grep -q " $1 "; }
start_dbus() { mkdir -p /run/dbus; dbus-daemon --system --fork; }
`;

/** What an interface is told to have. */
export interface Shown {
  readonly name: string;
  readonly manager?: string;
  readonly dhcp: boolean;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly dns_servers: readonly string[];
}

export class NetworkMachine implements Disposable {
  readonly #debian: DebianRoot;

  constructor() {
    if (!existsSync(executablePath)) {
      buildExecutable();
    }
    this.#debian = DebianRoot.make(packages);
    copyFileSync(executablePath, join(this.#debian.path, "usr/sbin/hvguest"));
  }

  /**
   * Runs a script that uses the functions above, with `wish` as what `apply` asks for.
   * @returns what it printed, line by line
   * @throws Error when it fails, with all that it printed
   */
  run(wish: object, script: string): readonly string[] {
    const whole = `wish='${JSON.stringify(wish)}'\n${functions}\n${script}`;
    const ran = Bun.spawnSync(
      [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--ipc",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        prepare,
        "sh",
        this.#debian.path,
        whole,
      ],
      {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
        timeout: 240_000,
      },
    );
    const output = `${ran.stdout.toString()}${ran.stderr.toString()}`;
    if (ran.exitCode !== 0) {
      throw new Error(`the script ends with ${ran.exitCode}: ${output}`);
    }
    return output.trimEnd().split("\n");
  }

  [Symbol.dispose](): void {
    this.#debian[Symbol.dispose]();
  }
}

/** eth0 out of a line that `shown` printed. */
export function eth0Of(line: string | undefined): Shown {
  const { interfaces }: { interfaces: readonly Shown[] } = JSON.parse(line ?? "");
  const eth0 = interfaces.find(({ name }) => name === "eth0");
  if (eth0 === undefined) {
    throw new Error(`eth0 is not shown: ${line}`);
  }
  return {
    ...eth0,
    addresses: eth0.addresses.filter((address) => !address.startsWith("fe80:")),
  };
}
