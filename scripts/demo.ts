// The demonstration: builds the executable, runs it on a fake kernel and shows what a
// host and a guest do with it. Ends by itself; status 0 when all went as shown.
//   npm run demo

import { join } from "node:path";
import { buildExecutable, executablePath } from "./build.ts";
import { demonstrate } from "./demo/scenes.ts";
import { Terminal } from "./demo/terminal.ts";
import { repository } from "./process.ts";

/** Set for the second process, on a machine of its own. */
const stage = "--on-private-machine";

async function main(): Promise<number> {
  const terminal = new Terminal(process.env, process.stdout.isTTY);
  if (process.argv.includes(stage)) {
    return (await demonstrate(terminal, executablePath)) ? 0 : 1;
  }
  if (process.getuid?.() !== 0) {
    console.error("npm run demo: needs root, to make a private machine for the fake kernel");
    return 1;
  }
  terminal.title("hvguest: a Hyper-V guest's end of the integration services");
  terminal.remark("building dist/hvguest (a minute when it is the first time) …");
  buildExecutable();
  const child = Bun.spawn(
    ["sh", join(repository, "tests/fake-kernel/private-machine.sh"), process.execPath].concat(
      import.meta.path,
      stage,
    ),
    { stdin: "ignore", stdout: "inherit", stderr: "inherit" },
  );
  return child.exited;
}

process.exit(await main());
