// Programs in a mount namespace of their own, where something is not as usual.

import type { DaemonProgram } from "./daemons.ts";

/** `argv` after a shell command in a mount namespace of its own. */
export function argvWithin(argv: readonly string[], command: string): string[] {
  return ["/usr/bin/unshare", "-m", "/bin/sh", "-ec", `${command}; exec "$@"`, "sh", ...argv];
}

export function within(program: DaemonProgram, command: string): DaemonProgram {
  return { ...program, argv: argvWithin(program.argv, command) };
}

const directories = "/ /run /tmp /dev/shm /var/lib/hyperv /etc/hvguest";

export const everythingReadOnly = `for d in ${directories}; do mount -o remount,ro,bind $d; done`;

/** Nothing can be written to, and nothing that is written could be run. */
export const noTemporaryFiles =
  "for d in /tmp /dev/shm /var/tmp /run; do mount -t tmpfs -o ro,noexec no $d; done";

export const temporaryFilesNoexec =
  "for d in /tmp /dev/shm /var/tmp /run; do mount -t tmpfs -o noexec no $d; done";
