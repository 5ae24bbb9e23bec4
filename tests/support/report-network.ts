// Runs each argument as a shell command, waits until what a reporter has kept is
// the truth again, and prints what it tells: one line of JSON for each command.

import { NetworkReporter } from "../../src/services/network/ip-report.ts";

const options = {
  paths: { root: "/nonexistent", sys: "/sys", proc: "/proc" },
  ignoreInterfaces: () => [],
  log: { warning: (text: string) => console.error(text) },
};
let heard = Promise.withResolvers<void>();
const reporter = new NetworkReporter({ ...options, onChange: () => heard.resolve() });
reporter.start();
/** Not started, and so without anything kept. */
const truth = new NetworkReporter(options);

const intrinsics = (teller: NetworkReporter) =>
  JSON.stringify([teller.intrinsicAddresses(4), teller.intrinsicAddresses(6)]);

// Fills what is kept, so that a change which is not heard of shows.
intrinsics(reporter);
for (const command of process.argv.slice(2)) {
  const { exitCode } = Bun.spawnSync(["/bin/sh", "-ec", command], { stderr: "inherit" });
  if (exitCode !== 0) {
    throw new Error(`'${command}' fails`);
  }
  while (intrinsics(reporter) !== intrinsics(truth)) {
    await heard.promise;
    heard = Promise.withResolvers();
  }
  console.log(
    JSON.stringify({
      byMac: reporter.reportByMac("00:15:5D:01:02:03") ?? null,
      ipv4: reporter.intrinsicAddresses(4),
      ipv6: reporter.intrinsicAddresses(6),
    }),
  );
}
reporter.stop();
