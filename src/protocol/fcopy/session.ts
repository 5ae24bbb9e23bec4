// The daemon's end of a file copy channel, over either transport.

import { answerInPlace, IcMessageType, icHeader, responseFlags } from "../ic/header.ts";
import {
  answerNegotiation,
  type Offer,
  refuseNegotiation,
  type Versions,
} from "../ic/negotiate.ts";
import type { Incoming, Session } from "../session.ts";
import { Status } from "../status.ts";
import { viewOf, WireError } from "../wire/struct.ts";
import { decodeStrictUtf8, decodeUtf16, encodeUtf8 } from "../wire/text.ts";
import { doFcopy, FcopyOperation, fcopyVersion1, fragmentBytes } from "./messages.ts";
import { decodeRequest, type FcopyRequest, refusedStart } from "./request.ts";

/** Where file data and their place stand in a message, and what it is answered. */
export interface DataLayout {
  readonly expect: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly positionAt: number;
  readonly lengthAt: number;
  readonly dataAt: number;
  readonly mostBytes: number;
  /** The whole answer; without it the message is sent back, with the patches. */
  readonly answer?: Uint8Array;
  readonly patches: readonly { readonly at: number; readonly bytes: Uint8Array }[];
}

/** A session of the file copy service. Requests are answered with a status alone. */
export interface FcopySession extends Session<FcopyRequest, void> {
  readonly dataLayout: DataLayout;
}

/**
 * The driver has room for 259 bytes of UTF-8 and leaves out each character that does
 * not fit (hv_fcopy.c, utf16s_to_utf8s()). The longest has four bytes: a text that
 * leaves three or less free may lack its end.
 */
const maybeCutBytes = 259 - 3;

/** The daemon's end of /dev/vmbus/hv_fcopy (drivers/hv/hv_fcopy.c, before 6.10). */
export class DeviceFcopySession implements FcopySession {
  readonly hello: Uint8Array = u32Bytes(fcopyVersion1);
  readonly dataLayout: DataLayout = {
    ...layoutAt(0),
    expect: [{ at: 0, bytes: u32Bytes(FcopyOperation.write) }],
    answer: u32Bytes(Status.ok),
    patches: [],
  };
  #registered = false;

  receive(message: Uint8Array): Incoming<FcopyRequest> {
    if (this.#registered) {
      return { kind: "request", request: refuseCut(decodeRequest(message, decodeStrictUtf8)) };
    }
    if (message.length !== 4) {
      throw new WireError("hv_fcopy: need the answer to the registration, got a request");
    }
    this.#registered = true;
    return { kind: "ready" };
  }

  reply(): Uint8Array {
    return u32Bytes(Status.ok);
  }

  fail(_request: FcopyRequest, status: Status): Uint8Array {
    return u32Bytes(status);
  }
}

/** UTIL_FW_VERSION, UTIL_WS2K8_FW_VERSION; UTIL_FCOPY_VERSION. */
const offer: Offer = {
  frameworks: [
    { major: 3, minor: 0 },
    { major: 1, minor: 0 },
  ],
  messages: [{ major: 1, minor: 1 }],
};

/** The guest's end of the ring (tools/hv/hv_fcopy_uio_daemon.c, 6.10 and later). */
export class RingFcopySession implements FcopySession {
  readonly hello = undefined;
  readonly dataLayout: DataLayout = {
    ...layoutAt(icHeader.size),
    expect: [
      { at: icHeader.offsets.type, bytes: Uint8Array.of(IcMessageType.fcopy, 0) },
      { at: icHeader.size, bytes: u32Bytes(FcopyOperation.write) },
    ],
    patches: [
      { at: icHeader.offsets.status, bytes: u32Bytes(Status.ok) },
      { at: icHeader.offsets.flags, bytes: Uint8Array.of(responseFlags) },
    ],
  };
  readonly #negotiated: (versions: Versions | undefined) => void;
  #versions: Versions | undefined;
  #current: Uint8Array = new Uint8Array();

  /** `negotiated` is told the outcome of every negotiation; whatever was under way is over. */
  constructor(negotiated: (versions: Versions | undefined) => void) {
    this.#negotiated = negotiated;
  }

  receive(message: Uint8Array): Incoming<FcopyRequest> {
    if (message.length < icHeader.size) {
      return { kind: "ignored", reason: `a message of ${message.length} bytes has no header` };
    }
    const { type } = icHeader.read(viewOf(message), 0);
    switch (type) {
      case IcMessageType.negotiate:
        return this.#negotiate(message);
      case IcMessageType.fcopy:
        break;
      default:
        return { kind: "ignored", reason: `a message of type ${type}` };
    }
    if (this.#versions === undefined) {
      return { kind: "answer", message: answerInPlace(message, Status.fail) };
    }
    this.#current = message;
    const request = decodeRequest(message.subarray(icHeader.size), decodeUtf16);
    return { kind: "request", request };
  }

  reply(): Uint8Array {
    return answerInPlace(this.#current, Status.ok);
  }

  fail(_request: FcopyRequest, status: Status): Uint8Array {
    return answerInPlace(this.#current, status);
  }

  #negotiate(message: Uint8Array): Incoming<FcopyRequest> {
    try {
      const { answer, versions } = answerNegotiation(message, offer);
      this.#versions = versions;
      this.#negotiated(versions);
      return { kind: "answer", message: answer };
    } catch (error) {
      if (error instanceof WireError) {
        // Nothing has been agreed on anew: the versions stay, as in the kernel.
        const refusal = refuseNegotiation(message);
        return { kind: "answer", message: refusal, complaint: error.message };
      }
      throw error;
    }
  }
}

/** File names need no check: one that was cut is longer than any file system takes. */
function refuseCut(request: FcopyRequest): FcopyRequest {
  if (request.operation !== "start") {
    return request;
  }
  const { pathName } = request;
  const bytes = encodeUtf8(pathName).length;
  // The host sends at most 259 units: a path in ASCII fits. One of which only the last
  // character was not ASCII is rarer than a whole one of that length.
  return bytes < maybeCutBytes || bytes === pathName.length
    ? request
    : refusedStart(`path '${pathName}' may have been cut by the kernel`);
}

function layoutAt(body: number) {
  return {
    positionAt: body + doFcopy.offsets.offset,
    lengthAt: body + doFcopy.offsets.size,
    dataAt: body + doFcopy.size,
    mostBytes: fragmentBytes,
  };
}

function u32Bytes(value: number): Uint8Array {
  const buffer = new Uint8Array(4);
  viewOf(buffer).setUint32(0, value, true);
  return buffer;
}
