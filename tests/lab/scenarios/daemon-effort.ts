// What the daemon that is judged costs its guest.

import type { Context } from "../runner/context.ts";

/** Processor time of the daemon in hundredths of a second, and its context switches. */
export async function effort(context: Context): Promise<{ ticks: number; switches: number }> {
  const pid = await context.daemon.pid();
  const stat = await context.sh(`cat /proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const switches = await context.sh(`cat /proc/${pid}/task/*/status | grep ctxt_switches`);
  return {
    ticks: Number(fields[11]) + Number(fields[12]),
    switches: switches.split("\n").reduce((sum, line) => sum + Number(line.split(":")[1]), 0),
  };
}
