import { expect, test } from "bun:test";
import { limitedWarnings } from "../../src/services/limited-warnings.ts";
import { recordedLog } from "../support/recorded-log.ts";

test("the first twenty are warnings, the last of them says so, the rest is for the curious", () => {
  const [log, lines] = recordedLog("kvp");
  const warn = limitedWarnings(log);
  for (let count = 1; count <= 22; count += 1) {
    warn(() => `failure ${count}`);
  }
  expect(lines[0]).toBe("warning: kvp: failure 1");
  expect(lines[19]).toBe(
    "warning: kvp: failure 20 (more failures of this connection are shown at level debug)",
  );
  expect(lines.slice(20)).toEqual(["debug: kvp: failure 21", "debug: kvp: failure 22"]);
});

test("each connection has its own", () => {
  const [log, lines] = recordedLog("kvp", "info");
  for (let connection = 0; connection < 3; connection += 1) {
    const warn = limitedWarnings(log);
    for (let count = 0; count < 30; count += 1) {
      warn(() => "failure");
    }
  }
  expect(lines).toHaveLength(60);
});
