// The distribution's own hv_set_ifconfig, with the C daemon's files and arguments.

import type { Machine } from "../machine.ts";
import { type Manager, PlanError } from "../manager.ts";
import { ifcfgFile, keyfile } from "./script-files.ts";

/** Where the C daemons of the distributions have it: upstream and RHEL, Ubuntu, SUSE. */
const scripts = [
  "/usr/libexec/hypervkvpd/hv_set_ifconfig",
  "/usr/sbin/hv_set_ifconfig",
  "/usr/lib/hyper-v/bin/hv_set_ifconfig",
];

const directory = "/var/lib/hyperv";

export const script: Manager = {
  name: "script",

  manages(_target, machine) {
    return Promise.resolve(findScript(machine) !== undefined);
  },

  plan({ target, request }, machine) {
    const program = findScript(machine);
    if (program === undefined) {
      throw new PlanError("no hv_set_ifconfig is installed");
    }
    const ifcfgPath = `${directory}/ifcfg-${target.name}`;
    const keyfilePath = `${directory}/${target.name}.nmconnection`;
    const paths = takesKeyfile(program, machine) ? [ifcfgPath, keyfilePath] : [ifcfgPath];
    const step = {
      program: `${machine.root}${program}`,
      args: paths.map((path) => `${machine.root}${path}`),
    };
    return Promise.resolve({
      manager: "script",
      interfaceName: target.name,
      before: [],
      files: [
        { path: ifcfgPath, text: ifcfgFile(target, request), mode: 0o644 },
        { path: keyfilePath, text: keyfile(target, request), mode: 0o644 },
      ],
      activate: [step],
      // The files are but its arguments: nothing of the system depends on them.
      reactivate: [],
      // The contract is its exit status.
      isVerified: false,
    });
  },
};

function findScript(machine: Machine): string | undefined {
  return scripts.find((path) => machine.isExecutable(path));
}

/**
 * Scripts of daemons before Linux 6.7 take one argument, and Ubuntu's of that time
 * refuses to be given two. A text that does not speak of a second is one of those.
 */
function takesKeyfile(path: string, machine: Machine): boolean {
  const text = machine.read(path) ?? "";
  return !text.startsWith("#!") || /\$\{?2\b|\$[@*]|argv\[2\]|nmconnection/.test(text);
}
