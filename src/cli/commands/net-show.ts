// hvguest net show: every interface as GET_IP_INFO and the intrinsic items tell it.

import type { NetworkInterface } from "../../platform/network.ts";
import { type IpReport, NetworkReporter } from "../../services/network/ip-report.ts";
import { thisMachine } from "../../services/network/machine.ts";
import { PlanError } from "../../services/network/manager.ts";
import { managerOf } from "../../services/network/managers/all.ts";
import type { ManagerName } from "../../services/network/plan.ts";
import { command, ExitStatus } from "../command.ts";
import { type NetContext, netContext } from "./net-context.ts";

interface Shown {
  readonly subject: NetworkInterface;
  readonly report: IpReport;
  /** Who would be asked to set addresses; undefined when nobody could be. */
  readonly manager: ManagerName | undefined;
}

export const netShow = command<{ readonly json: boolean }>({
  usage: "show",
  description: "Show what the host sees of each network adapter",
  options: (yargs) =>
    yargs.option("json", { type: "boolean", default: false, describe: "Print one JSON object" }),
  run: async ({ json }, { environment, print, complain }) => {
    const context = netContext(environment);
    const { paths, settings } = context;
    const reporter = new NetworkReporter({
      paths,
      ignoreInterfaces: () => settings.ignore_interfaces,
      log: { warning: complain },
    });
    const shown: Shown[] = [];
    for (const subject of reporter.interfaces().filter(({ isLoopback }) => !isLoopback)) {
      const manager = await managerName(subject, context);
      shown.push({ subject, report: reporter.report(subject), manager });
    }
    const intrinsic = {
      ipv4: reporter.intrinsicAddresses(4),
      ipv6: reporter.intrinsicAddresses(6),
    };
    print(json ? netShowJson(shown, intrinsic) : netShowText(shown, intrinsic));
    return ExitStatus.done;
  },
});

async function managerName(
  subject: NetworkInterface,
  { paths, settings }: NetContext,
): Promise<ManagerName | undefined> {
  try {
    const machine = thisMachine(paths.root);
    return (await managerOf(subject, settings.manager, machine, false)).manager.name;
  } catch (error) {
    if (error instanceof PlanError) {
      return undefined;
    }
    throw error;
  }
}

type Intrinsic = Readonly<Record<"ipv4" | "ipv6", readonly string[]>>;

function netShowText(shown: readonly Shown[], { ipv4, ipv6 }: Intrinsic): string {
  const blocks = shown.map(({ subject, report, manager }) => {
    const what = subject.isVirtualFunction
      ? "SR-IOV function of an adapter"
      : (subject.deviceId ?? subject.kind ?? "not a Hyper-V adapter");
    const lines: [string, string][] = [
      ["mac", subject.mac],
      [
        "addresses",
        report.addresses.map((one, index) => withSubnet(one, report.subnets[index])).join(" "),
      ],
      ["gateways", report.gateways.join(" ")],
      ["dns", report.dnsServers.join(" ")],
      ["dhcp", report.dhcpEnabled ? "yes" : "no"],
      ["manager", manager ?? "none"],
    ];
    const text = lines
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `  ${name.padEnd(10)} ${value}\n`);
    return `${subject.name}: ${what}\n${text.join("")}`;
  });
  const lists = [
    ["NetworkAddressIPv4", ipv4.join(";")],
    ["NetworkAddressIPv6", ipv6.join(";")],
  ];
  return [...blocks, ...lists.map(([name, value]) => `${name}: ${value}\n`)].join("");
}

function withSubnet(address: string, subnet: string | undefined): string {
  return subnet?.startsWith("/") === true ? `${address}${subnet}` : `${address}/${subnet ?? ""}`;
}

function netShowJson(shown: readonly Shown[], intrinsic: Intrinsic): string {
  const interfaces = shown.map(({ subject, report, manager }) => ({
    name: subject.name,
    mac: subject.mac,
    adapter: subject.deviceId,
    virtual_function: subject.isVirtualFunction,
    manager,
    dhcp: report.dhcpEnabled,
    addresses: report.addresses,
    subnets: report.subnets,
    gateways: report.gateways,
    dns_servers: report.dnsServers,
  }));
  return `${JSON.stringify({ interfaces, intrinsic })}\n`;
}
