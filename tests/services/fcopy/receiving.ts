// A receiver that puts files into a temporary directory.

import { mkdtempSync, readdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FcopyStart } from "../../../src/protocol/fcopy/request.ts";
import { DeviceFcopySession } from "../../../src/protocol/fcopy/session.ts";
import { RequestError, Status } from "../../../src/protocol/status.ts";
import { FileReceiver, type ReceiverOptions } from "../../../src/services/fcopy/file-receiver.ts";
import { abandonAfterTest } from "../../support/open-receivers.ts";

export const unlimited = { allowed: [], denied: [], largestFile: 1n << 64n };

export interface Receiving {
  readonly directory: string;
  readonly receiver: FileReceiver;
  /** Why the transfers so far came to nothing; undefined for each that arrived. */
  readonly ends: (string | undefined)[];
  readonly start: (options?: Partial<FcopyStart>) => Promise<Status>;
  readonly write: (offset: number | bigint, data: Uint8Array | string) => Promise<Status>;
  readonly complete: () => Promise<Status>;
  readonly cancel: () => Promise<Status>;
  /** The names in a directory below, hidden ones too. */
  readonly names: (below?: string) => string[];
}

export function receiving(options: Partial<ReceiverOptions> = {}): Receiving {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "hvguest-fcopy-")));
  const ends: (string | undefined)[] = [];
  const receiver = new FileReceiver({
    policy: () => unlimited,
    ownership: () => ({ mode: undefined, uid: undefined, gid: undefined }),
    diversion: undefined,
    layout: new DeviceFcopySession().dataLayout,
    patienceMilliseconds: 10_000,
    onStarted: () => undefined,
    onEnded: (_transfer, _received, failure) => ends.push(failure),
    ...options,
  });
  abandonAfterTest(receiver);
  const awaited = new AbortController().signal;
  const answer = async (request: Parameters<FileReceiver["answer"]>[0]): Promise<Status> => {
    try {
      await receiver.answer(request, awaited);
      return Status.ok;
    } catch (error) {
      if (error instanceof RequestError) {
        return error.status;
      }
      throw error;
    }
  };
  return {
    directory,
    receiver,
    ends,
    start: (start) =>
      answer({
        operation: "start",
        pathName: `${directory}/`,
        fileName: "file",
        overWrite: false,
        createPath: false,
        fileSize: 0n,
        ...start,
      }),
    write: (offset, data) =>
      answer({ operation: "write", offset: BigInt(offset), data: Buffer.from(data) }),
    complete: () => answer({ operation: "complete" }),
    cancel: () => answer({ operation: "cancel" }),
    names: (below = "") => readdirSync(join(directory, below)).toSorted(),
  };
}
