// A program that goes into the background, for tests of src/cli/detach.ts. In the
// background it does what its argument says.

import { writeFileSync, writeSync } from "node:fs";
import { detach, detachedReporter } from "../../src/cli/detach.ts";
import { report } from "../../src/cli/report.ts";

const [, , course, pidFile = ""] = process.argv;
const reporter = detachedReporter(process.env);
if (reporter === undefined) {
  process.exit(await report(() => detach(process.argv.slice(1))));
}
writeFileSync(pidFile, String(process.pid));
switch (course) {
  case "fails":
    writeSync(2, "said by the background process\n");
    process.exit(1);
    break;
  case "waits":
    reporter({ phase: "waiting" });
    break;
  default:
    reporter({ phase: "registered" });
    writeSync(2, "lost\n");
}
setInterval(() => undefined, 1000);
