import { expect, test } from "bun:test";
import { encodeReport, type Report } from "../../src/image/provisioning-report.ts";

const success: Report = {
  failure: undefined,
  agent: "hvguest/1.0",
  vmId: "00000000-0000-0000-0000-000000000abc",
  time: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
  documentationUrl: undefined,
  details: [],
};

test("reports have the facts of azure-init in its order", () => {
  expect(encodeReport(success)).toBe(
    "result=success|agent=hvguest/1.0|pps_type=None|vm_id=00000000-0000-0000-0000-000000000abc|timestamp=2026-01-02T03:04:05.000+00:00",
  );
  expect(
    encodeReport({
      ...success,
      failure: "boom",
      documentationUrl: "https://e/x",
      details: [["a", "b"]],
    }),
  ).toBe(
    "result=error|reason=boom|agent=hvguest/1.0|pps_type=None|vm_id=00000000-0000-0000-0000-000000000abc|timestamp=2026-01-02T03:04:05.000+00:00|documentation_url=https://e/x|a=b",
  );
});

test("facts with the separator, quotes or line ends are quoted as CSV", () => {
  expect(encodeReport({ ...success, failure: "it's a|b\nc" })).toStartWith(
    "result=error|'reason=it''s a|b\nc'|agent=",
  );
});

test("a report is cut to what reaches the host, not within a character", () => {
  for (const failure of ["ä".repeat(1000), `x${"ä".repeat(1000)}`]) {
    const value = encodeReport({ ...success, failure });
    expect(Buffer.byteLength(value)).toBeGreaterThan(1019);
    expect(Buffer.byteLength(value)).toBeLessThan(1023);
    expect(value).not.toContain("\ufffd");
  }
});
