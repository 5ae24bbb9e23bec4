// What a host sees of a request: the daemon's status and body, or the driver's own
// HV_E_FAIL.

import type { Outcome } from "./transaction.ts";

export const HostStatus = {
  ok: 0,
  fail: 0x80004005,
  noMoreItems: 0x80070103,
  notSupported: 0x80070032,
  invalidArgument: 0x80070057,
  guidNotFound: 0x80041002,
  alreadyExists: 0x80070050,
  diskFull: 0x80070070,
} as const;

/** The daemon gave no answer that the driver passed on; the host saw HV_E_FAIL. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
  readonly outcome: Outcome["kind"];

  constructor(outcome: Outcome) {
    const errno = outcome.kind === "unsent" ? ` (errno ${outcome.errno})` : "";
    super(`the driver answered the host by itself: ${outcome.kind}${errno}`);
    this.outcome = outcome.kind;
  }
}

/** The daemon's reply. @throws NoAnswer */
export function replyOf(outcome: Outcome): Buffer {
  if (outcome.kind !== "reply") {
    throw new NoAnswer(outcome);
  }
  return outcome.message;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The text of a zero-terminated UTF-8 area as the driver turns it to UTF-16: at most
 * `units` code units, undefined when it is not UTF-8 (the host then sees HV_E_FAIL).
 */
export function areaText(area: Buffer, units: number): string | undefined {
  const end = area.indexOf(0);
  try {
    return decoder.decode(end === -1 ? area : area.subarray(0, end)).slice(0, units);
  } catch {
    // The driver's utf8s_to_utf16s() fails on the same bytes.
    return undefined;
  }
}
