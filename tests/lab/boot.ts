// `lab boot`: one guest to try things in by hand.

import { parseArgs } from "node:util";
import { join } from "node:path";
import { prepare } from "./prepare.ts";
import { cacheDirectory, guestNames } from "./vm/cache.ts";
import { Machine, type MachineOptions } from "./vm/machine.ts";
import { SystemMachine } from "./vm/system-machine.ts";

/** Boots a guest; runs a command in it, or waits for its end. */
export async function boot(parameters: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      share: { type: "string" },
      dir: { type: "string" },
      exec: { type: "string" },
      append: { type: "string" },
      network: { type: "string" },
    },
  });
  const guest = guestNames.find((name) => name === positionals[0]) ?? "g61";
  await prepare([guest]);
  const options: MachineOptions = {
    guest,
    directory: values.dir ?? join(cacheDirectory, "run", guest),
    ...(values.share === undefined ? {} : { share: values.share }),
    ...(values.append === undefined ? {} : { append: values.append }),
  };
  const machine =
    guest === "gsys" ? await SystemMachine.startSystem(options) : await Machine.start(options);
  const seconds = (machine.bootMilliseconds / 1000).toFixed(1);
  console.error(`booted in ${seconds} s; sockets and logs in '${machine.directory}'`);
  try {
    if (values.exec !== undefined) {
      const { code, stdout, stderr } = await machine.try(values.exec, 3_600_000);
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      return code;
    }
    const interrupted = Promise.withResolvers<undefined>();
    process.once("SIGINT", () => interrupted.resolve(undefined));
    process.once("SIGTERM", () => interrupted.resolve(undefined));
    await Promise.race([machine.waitExit(0x7fff_ffff), interrupted.promise]);
    return 0;
  } finally {
    await machine.stop();
  }
}
