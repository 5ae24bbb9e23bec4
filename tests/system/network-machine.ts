// A Debian with network managers, and shell scripts run in it with a network of
// their own: eth0 is one end of a cable, whose other end is `peer`.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { buildExecutable, executablePath } from "../../scripts/build.ts";
import { DebianRoot } from "./debian-root.ts";

const managerUnits = ["NetworkManager.service", "networking.service", "systemd-networkd.service"];

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
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --bind "$1/proc/sys" "$1/proc/sys"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs run "$1/run"
mount -t tmpfs -o mode=755 dev "$1/dev"
mkdir "$1/dev/shm"
for node in null zero full random urandom; do
  touch "$1/dev/$node"; mount --bind /dev/$node "$1/dev/$node"
done
echo 0123456789abcdef0123456789abcdef > "$1/etc/machine-id"
ip link set lo up
ip link add eth0 address 00:15:5d:01:02:03 type veth peer name peer
ip link set peer up
`;

/** Runs the second argument. */
const chroot = `
rm -rf "$1/var/lib/hvguest"
exec chroot "$1" /bin/sh -c "exec 2>&1; set -e; $2"
`;

/** systemd starts, as in a container, and runs the job; of the machine's /proc it changes nothing. */
const start = `
mount -o remount,ro,bind "$1/proc/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  chroot "$1" /lib/systemd/systemd --system --unit=job.target --log-target=null --show-status=0
`;

/** Ends the machine when the script has ended. */
const jobUnit = `[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh -e /job.sh >/job.out 2>&1; echo $? >/job.status'
ExecStopPost=/bin/systemctl --no-block exit
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
    const ran = this.#enter(`${prepare}${chroot}`, whole(wish, script));
    return linesOf(ran.exitCode, `${ran.stdout.toString()}${ran.stderr.toString()}`);
  }

  /**
   * The same in a machine that systemd has started, with `units` and no other
   * network manager; the next call is the machine after a restart.
   */
  boot(wish: object, units: readonly string[], script: string): readonly string[] {
    const { path } = this.#debian;
    const directory = join(path, "etc/systemd/system");
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "job.service"), jobUnit);
    writeFileSync(
      join(directory, "job.target"),
      `[Unit]\nRequires=multi-user.target job.service ${units.join(" ")}\nAfter=${units.join(" ")}\n`,
    );
    for (const unit of managerUnits.filter((one) => !units.includes(one))) {
      symlinkSync("/dev/null", join(directory, unit));
    }
    writeFileSync(join(path, "job.sh"), whole(wish, script));
    rmSync(join(path, "job.status"), { force: true });
    const ran = this.#enter(`${prepare}${start}`, "");
    const said = ran.stderr.toString();
    const status = existsSync(join(path, "job.status"))
      ? Number(readFileSync(join(path, "job.status"), "utf8"))
      : -1;
    return linesOf(status, status < 0 ? said : readFileSync(join(path, "job.out"), "utf8"));
  }

  /** Runs a script outside of the root, in new namespaces. */
  #enter(script: string, argument: string) {
    return Bun.spawnSync(
      [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--ipc",
        "--uts",
        "--cgroup",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        script,
        "sh",
        this.#debian.path,
        argument,
      ],
      {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
        timeout: 240_000,
      },
    );
  }

  [Symbol.dispose](): void {
    this.#debian[Symbol.dispose]();
  }
}

function whole(wish: object, script: string): string {
  return `wish='${JSON.stringify(wish)}'\n${functions}\n${script}`;
}

function linesOf(status: number | null, output: string): readonly string[] {
  if (status !== 0) {
    throw new Error(`the script ends with ${status}: ${output}`);
  }
  return output.trimEnd().split("\n");
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
