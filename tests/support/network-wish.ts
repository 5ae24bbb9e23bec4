// What a host asks for, and a machine to plan it on.

import type { RunResult } from "../../src/platform/run-command.ts";
import { type IpRequest, parseRequest } from "../../src/services/network/ip-request.ts";
import { type Machine, thisMachine } from "../../src/services/network/machine.ts";
import type { Target, Wish } from "../../src/services/network/manager.ts";
import type { Plan } from "../../src/services/network/plan.ts";
import { temporaryRoot } from "./temporary-root.ts";

export const eth0: Target = { name: "eth0", index: 2, mac: "00:15:5D:01:02:03" };

export function ipRequest(rest: Partial<IpRequest>): IpRequest {
  return {
    adapterId: "{f8615163-0000-1000-2000-00155d010203}",
    addressFamilies: 3,
    dhcpEnabled: false,
    addresses: "",
    subnets: "",
    gateways: "",
    dnsServers: "",
    ...rest,
  };
}

/** Several of everything that a host can ask for. */
export const everything = ipRequest({
  addresses: "192.0.2.20;198.51.100.20;FD00::20;fd01::20",
  subnets: "255.255.255.0;255.255.255.128;/64;56",
  gateways: "192.0.2.1;203.0.113.1;fd00::1",
  dnsServers: "192.0.2.53;fd00::53",
});

export const oneAddress = ipRequest({
  addresses: "192.0.2.20",
  subnets: "255.255.255.0",
  gateways: "192.0.2.1",
  dnsServers: "192.0.2.53",
});

export const dhcp = ipRequest({ dhcpEnabled: true });

export function wish(request: IpRequest, target: Target = eth0): Wish {
  return { target, request, configuration: parseRequest(request) };
}

export interface FakeMachine {
  readonly files?: Readonly<Record<string, string>>;
  /** Installed programs; all are in /usr/bin. */
  readonly programs?: readonly string[];
  /** What they answer to questions, by the whole command line. */
  readonly answers?: Readonly<Record<string, Partial<RunResult>>>;
}

/** A machine with real files, and with programs that only answer. */
export function fakeMachine({ files = {}, programs = [], answers = {} }: FakeMachine): Machine {
  return {
    ...thisMachine(temporaryRoot(files)),
    program: (name) => (programs.includes(name) ? `/usr/bin/${name}` : undefined),
    ask: (...commandLine) => {
      const answer = answers[commandLine.join(" ")];
      return Promise.resolve(answer && { status: 0, stdout: "", stderr: "", ...answer });
    },
  };
}

/** The text that a plan gives a file; undefined when it removes or leaves it. */
export function textIn(plan: Plan, path: string): string | undefined {
  return plan.files.find((file) => file.path === path)?.text;
}
