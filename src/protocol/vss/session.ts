// One registration of a backup daemon with the kernel: bytes to requests and back.

import type { Incoming, Session } from "../session.ts";
import { Status } from "../status.ts";
import { WireError } from "../wire/struct.ts";
import { VssOperation, vssRegistered, vssReply, vssRequest } from "./messages.ts";

export type VssRequest =
  /** Could the file systems be frozen? Asked before each backup. */
  | { readonly operation: "hotBackup" }
  | { readonly operation: "freeze" }
  /** Also sent by the kernel itself when the machine is suspended; see vss_suspend. */
  | { readonly operation: "thaw" }
  | { readonly operation: "unknown"; readonly number: number };

/** The daemon's end of /dev/vmbus/hv_vss. A reply belongs to the request before it. */
export class VssSession implements Session<VssRequest, undefined> {
  readonly hello: Uint8Array = vssRequest.encode({ operation: VssOperation.register1, flags: 0 });
  #isRegistered = false;

  receive(message: Uint8Array): Incoming<VssRequest> {
    if (!this.#isRegistered) {
      return this.#register(message);
    }
    if (message.length !== vssRequest.size) {
      throw new WireError(
        `${vssRequest.name}: need ${vssRequest.size} bytes, got ${message.length}`,
      );
    }
    return { kind: "request", request: requestOf(vssRequest.decode(message).operation) };
  }

  reply(): Uint8Array {
    return vssReply.encode({ error: Status.ok });
  }

  fail(_request: VssRequest, status: Status): Uint8Array {
    return vssReply.encode({ error: status });
  }

  #register(message: Uint8Array): Incoming<VssRequest> {
    const { size, name } = vssRegistered;
    if (message.length !== size) {
      throw new WireError(`${name}: need ${size} bytes, got ${message.length}`);
    }
    const { version } = vssRegistered.decode(message);
    if (version !== VssOperation.register1) {
      throw new WireError(`${name}: need ${VssOperation.register1}, got ${version}`);
    }
    this.#isRegistered = true;
    return { kind: "ready" };
  }
}

function requestOf(number: number): VssRequest {
  switch (number) {
    case VssOperation.hotBackup:
      return { operation: "hotBackup" };
    case VssOperation.freeze:
      return { operation: "freeze" };
    case VssOperation.thaw:
      return { operation: "thaw" };
    default:
      return { operation: "unknown", number };
  }
}
