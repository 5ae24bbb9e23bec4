// The negotiation that opens an integration service, and may come again at any time:
// a host that has resumed starts anew (vmbus_prep_negotiate_resp()).

import { Status } from "../status.ts";
import { padding, struct, u16, viewOf, WireError } from "../wire/struct.ts";
import { answerInPlace, icHeader } from "./header.ts";

export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** What both sides speak. */
export interface Versions {
  readonly framework: Version;
  readonly message: Version;
}

/** Versions that we speak, the preferred ones first. */
export interface Offer {
  readonly frameworks: readonly Version[];
  readonly messages: readonly Version[];
}

/** IC_VERSION_NEGOTIATION_MAX_VER_COUNT */
const maxVersions = 100;

const negotiation = struct("icmsg_negotiate", {
  frameworkCount: u16,
  messageCount: u16,
  _reserved: padding(4),
});
const version = struct("ic_version", { major: u16, minor: u16 });

/** Bytes of the answer's body: the counts and one version of each kind. */
const answerBytes = negotiation.size + 2 * version.size;

/**
 * Answers a negotiation, in place. Without a common version the counts are 0 and
 * `versions` is undefined.
 * @throws WireError when the message is too short for what it announces; it is
 * unchanged then, and {@link refuseNegotiation} answers it.
 */
export function answerNegotiation(
  message: Uint8Array,
  offer: Offer,
): { readonly answer: Uint8Array; readonly versions: Versions | undefined } {
  const body = message.subarray(icHeader.size);
  const { frameworkCount, messageCount } = negotiation.decode(body);
  const count = frameworkCount + messageCount;
  const needed = Math.max(negotiation.size + count * version.size, answerBytes);
  if (frameworkCount > maxVersions || messageCount > maxVersions || body.length < needed) {
    throw new WireError(`${negotiation.name}: ${count} versions in ${body.length} bytes`);
  }
  const view = viewOf(body);
  const offered = Array.from({ length: count }, (_, index) =>
    version.read(view, negotiation.size + index * version.size),
  );
  const framework = common(offer.frameworks, offered.slice(0, frameworkCount));
  const messages = common(offer.messages, offered.slice(frameworkCount));
  if (framework === undefined || messages === undefined) {
    return { answer: refuseNegotiation(message), versions: undefined };
  }
  negotiation.write(view, 0, { frameworkCount: 1, messageCount: 1 });
  version.write(view, negotiation.size, framework);
  version.write(view, negotiation.size + version.size, messages);
  viewOf(message).setUint16(icHeader.offsets.bodyBytes, answerBytes, true);
  return {
    answer: answerInPlace(message, Status.ok),
    versions: { framework, message: messages },
  };
}

/** The answer that agrees on nothing, in place; the counts are 0 where it has any. */
export function refuseNegotiation(message: Uint8Array): Uint8Array {
  const body = message.subarray(icHeader.size);
  if (body.length >= negotiation.size) {
    negotiation.write(viewOf(body), 0, { frameworkCount: 0, messageCount: 0 });
  }
  return answerInPlace(message, Status.fail);
}

function common(ours: readonly Version[], theirs: readonly Version[]): Version | undefined {
  return ours.find(({ major, minor }) =>
    theirs.some((their) => their.major === major && their.minor === minor),
  );
}

/** `1.1` */
export function versionText({ major, minor }: Version): string {
  return `${major}.${minor}`;
}
