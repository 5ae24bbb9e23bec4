// Provisioning reports for the host, in the form in which cloud-init and azure-init
// write them into the guest pool (azure-init libazureinit-kvp, cloud-init sources/azure).

/** The key under which a host looks for the report. */
export const reportKey = "PROVISIONING_REPORT";

/** Bytes of a value that reach the host: 1,023 UTF-16 units less the NUL, and ASCII mostly. */
const mostBytes = 1022;

export interface Report {
  /** Undefined reports success. */
  readonly failure: string | undefined;
  readonly agent: string;
  readonly vmId: string;
  readonly time: Date;
  readonly documentationUrl: string | undefined;
  /** More facts, in this order. */
  readonly details: readonly (readonly [string, string])[];
}

/** The value of {@link reportKey}: facts joined by `|`, quoted as CSV with `'`, cut to fit. */
export function encodeReport(report: Report): string {
  const facts: (readonly [string, string])[] = [
    ["result", report.failure === undefined ? "success" : "error"],
    ...(report.failure === undefined ? [] : [["reason", report.failure] as const]),
    ["agent", report.agent],
    ["pps_type", "None"],
    ["vm_id", report.vmId],
    ["timestamp", report.time.toISOString().replace("Z", "+00:00")],
    ...(report.documentationUrl === undefined
      ? []
      : [["documentation_url", report.documentationUrl] as const]),
    ...report.details,
  ];
  return cut(facts.map(([name, value]) => quoted(`${name}=${value}`)).join("|"));
}

function quoted(text: string): string {
  return /[|'\r\n]/.test(text) ? `'${text.replaceAll("'", "''")}'` : text;
}

function cut(text: string): string {
  const bytes = Buffer.from(text);
  let end = Math.min(bytes.length, mostBytes);
  // Not within a character.
  while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) {
    end -= 1;
  }
  return bytes.subarray(0, end).toString();
}
