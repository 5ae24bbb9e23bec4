// Sends seeded messages from a fake kernel to the executable.
//   sh scripts/run.sh scripts/fuzz.ts [--messages N] [--seed N] [--services kvp,vss,fcopy]
// The long mode is `--messages 1000000`; the tests run a short one.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { fcopyTarget } from "../tests/fuzz/fcopy-target.ts";
import { fuzz, FuzzFinding } from "../tests/fuzz/fuzz.ts";
import { kvpTarget } from "../tests/fuzz/kvp-target.ts";
import { vssTarget } from "../tests/fuzz/vss-target.ts";
import { isPrivateMachine } from "../tests/fake-kernel/vmbus.ts";
import { buildExecutable } from "./build.ts";
import { repository } from "./process.ts";

const targets = [kvpTarget, vssTarget, fcopyTarget];

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      messages: { type: "string", default: "20000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      services: { type: "string", default: "kvp,vss,fcopy" },
    },
  });
  if (!isPrivateMachine()) {
    buildExecutable();
    const machine = join(repository, "tests/fake-kernel/private-machine.sh");
    const argv = ["sh", machine, process.execPath, import.meta.path, ...args];
    return Bun.spawn(argv, { stdio: ["ignore", "inherit", "inherit"] }).exited;
  }
  const seed = Number(values.seed);
  const messages = Number(values.messages);
  const chosen = targets.filter(({ service }) => values.services.split(",").includes(service));
  let findings = 0;
  for (const target of chosen) {
    const started = performance.now();
    try {
      const result = await fuzz(target, {
        seed,
        messages,
        onProgress: (done) => {
          if (done % 100_000 === 0) {
            console.log(`${target.service}: ${done} messages`);
          }
        },
      });
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      const { answered, registeredAgain, logLines, residentMiB } = result;
      console.log(
        `${target.service}: seed ${seed}, ${messages} messages in ${seconds} s, ${answered} answered, ` +
          `${registeredAgain} registered again, ${logLines} log lines, ` +
          `${residentMiB.toFixed(0)} MiB resident`,
      );
    } catch (error) {
      if (!(error instanceof FuzzFinding)) {
        throw error;
      }
      findings += 1;
      console.log(error.message);
    }
  }
  console.log(`${chosen.length - findings} passed, ${findings} failed`);
  return findings === 0 ? 0 : 1;
}

process.exit(await main(process.argv.slice(2)));
