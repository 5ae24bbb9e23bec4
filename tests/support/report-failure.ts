// A program that ends as its argument says, for tests of src/cli/report.ts.

import { constants } from "node:os";
import { ConfigurationError } from "../../src/agent/configuration.ts";
import { CommandError, ExitStatus, UsageError } from "../../src/cli/command.ts";
import { report } from "../../src/cli/report.ts";
import { NativeError } from "../../src/native/native-error.ts";
import { WireError } from "../../src/protocol/wire/struct.ts";

const failures: Readonly<Record<string, unknown>> = {
  usage: new UsageError("name a command"),
  command: new CommandError("no device", ExitStatus.noDevice),
  configuration: new ConfigurationError("'hvguest.toml' line 1: wrong"),
  native: new NativeError("open '/dev/vmbus/hv_kvp'", constants.errno.EBUSY),
  wire: new WireError("hv_kvp_msg: need 7432 bytes, got 4"),
  bug: new TypeError("undefined is not a function"),
  text: "just a text",
};

const failure = failures[process.argv[2] ?? ""];
const status = await report(() =>
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- also what is no error
  failure === undefined ? Promise.resolve(ExitStatus.done) : Promise.reject(failure),
);
process.exit(status);
