import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import type { NetworkRecords } from "../../../src/native/binding.ts";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { IpInjector } from "../../../src/services/network/ip-injector.ts";
import type { IpRequest } from "../../../src/services/network/ip-request.ts";
import { monotonicMilliseconds } from "../../../src/services/network/network-step.ts";
import type { ManagerName } from "../../../src/services/network/plan.ts";
import { link, records } from "../../support/network-records.ts";
import { ipRequest, oneAddress } from "../../support/network-wish.ts";
import { temporaryRoot } from "../../support/temporary-root.ts";

const guid = "{F8615163-0000-1000-2000-00155D010203}";
const scriptPath = "usr/libexec/hypervkvpd/hv_set_ifconfig";

/** An injector on a machine with a script that notes its arguments. */
function injectorWith(
  options: {
    readonly network?: NetworkRecords;
    readonly script?: string;
    readonly accepts?: boolean;
    readonly manager?: ManagerName | "auto";
  } = {},
) {
  const root = temporaryRoot({
    "sys/class/net/eth0/device/device_id": `${guid}\n`,
    ...(options.script === undefined ? {} : { [scriptPath]: options.script }),
  });
  if (options.script !== undefined) {
    chmodSync(`${root}/${scriptPath}`, 0o755);
  }
  const lines: string[] = [];
  const injector = new IpInjector({
    paths: {
      root,
      configuration: `${root}/etc/hvguest`,
      run: `${root}/run/hvguest`,
      pools: `${root}/var/lib/hyperv`,
      dev: `${root}/dev`,
      sys: `${root}/sys`,
      proc: `${root}/proc`,
    },
    log: { notice: (text) => void lines.push(text), warning: (text) => void lines.push(text) },
    settings: () => ({
      accept_settings: options.accepts ?? true,
      manager: options.manager ?? "script",
    }),
    source: {
      read: () => options.network ?? records({ links: [link(1, "lo"), link(2, "eth0")] }),
      watch: () => ({ close: () => undefined }),
    },
  });
  const apply = (request: IpRequest, arrived?: number) =>
    injector.apply(request, new AbortController().signal, arrived);
  return { root, lines, injector, apply };
}

/** The status and the message of a refusal. */
async function refusalOf(applying: Promise<void>): Promise<[number, string]> {
  try {
    await applying;
  } catch (error) {
    if (error instanceof RequestError) {
      return [error.status, error.message];
    }
    throw error;
  }
  throw new Error("it was done");
}

test("the script is given its files, and the adapter's GUID may be in any case", async () => {
  const { root, lines, apply } = injectorWith({
    script: '#!/bin/sh\ncat "$1" "$2" >"${0%/*}/seen"\n',
  });
  await apply(oneAddress);
  const seen = readFileSync(`${root}/usr/libexec/hypervkvpd/seen`, "utf8");
  expect(seen).toContain("IPADDR0=192.0.2.20\n");
  expect(seen).toContain("address1=192.0.2.20/24\n");
  expect(lines).toEqual(["'eth0' is configured as the host asks, by script: in force"]);
});

test("a script that fails is a failure, and its files are taken back", async () => {
  const { root, apply } = injectorWith({ script: "#!/bin/sh\necho no network >&2\nexit 3\n" });
  const [status, message] = await refusalOf(apply(oneAddress));
  expect(status).toBe(Status.fail);
  expect(message).toEndWith("hv_set_ifconfig': status 3: no network; taken back");
  expect(existsSync(`${root}/var/lib/hyperv/ifcfg-eth0`)).toBe(false);
});

test("a wrong item is an invalid argument before anything is looked at", async () => {
  const { root, apply } = injectorWith({ script: "#!/bin/sh\n" });
  const request = ipRequest({ adapterId: "{none}", addresses: "nonsense", subnets: "24" });
  expect(await refusalOf(apply(request))).toEqual([
    Status.invalidArgument,
    "'nonsense' is no address",
  ]);
  expect(existsSync(`${root}/var`)).toBe(false);
});

test("an adapter that is not there is told by its own status", async () => {
  const { apply } = injectorWith();
  const request = { ...oneAddress, adapterId: guid.slice(0, -2) };
  expect(await refusalOf(apply(request))).toEqual([
    Status.guidNotFound,
    `no network adapter is '${guid.slice(0, -2)}'`,
  ]);
});

test("a member of a bridge is refused", async () => {
  const network = records({
    links: [link(2, "eth0", { master: 3 }), link(3, "br0", { kind: "bridge" })],
  });
  const { apply } = injectorWith({ network, script: "#!/bin/sh\n" });
  expect(await refusalOf(apply(oneAddress))).toEqual([
    Status.fail,
    "'eth0' is a member of 'br0', which the host cannot mean",
  ]);
});

test("without a manager and a script there is one clear line", async () => {
  const { apply } = injectorWith({ manager: "script" });
  expect(await refusalOf(apply(oneAddress))).toEqual([
    Status.fail,
    "no hv_set_ifconfig is installed",
  ]);
});

test("the configuration may forbid it", async () => {
  const { apply } = injectorWith({ accepts: false, script: "#!/bin/sh\n" });
  expect(await refusalOf(apply(oneAddress))).toEqual([
    Status.fail,
    "the configuration does not let the host set addresses",
  ]);
});

test("a request for which the host has nearly waited long enough is not begun", async () => {
  const { root, apply } = injectorWith({ script: "#!/bin/sh\n" });
  expect(await refusalOf(apply(oneAddress, monotonicMilliseconds() - 16_000))).toEqual([
    Status.fail,
    "the request came too late to be answered",
  ]);
  expect(existsSync(`${root}/var`)).toBe(false);
  await apply(oneAddress, monotonicMilliseconds() - 5000);
  expect(existsSync(`${root}/var/lib/hyperv/ifcfg-eth0`)).toBe(true);
});

test("a separate step is told how long the host waits, from the request's arrival on", async () => {
  const { root, lines, apply } = injectorWith();
  const asked: string[] = [];
  mkdirSync(`${root}/run`);
  using _step = Bun.listen({
    unix: `${root}/run/hvguest-network.socket`,
    socket: {
      data: (socket, line) => {
        asked.push(line.toString());
        socket.end('{"status": 0, "message": "done"}\n');
      },
    },
  });
  const arrived = monotonicMilliseconds() - 5000;
  await apply(oneAddress, arrived);
  expect(lines).toEqual(["done"]);
  expect(asked.map((line): unknown => JSON.parse(line))).toEqual([
    { ask: "configure", request: oneAddress, before: arrived + 27_000 },
  ]);
});
