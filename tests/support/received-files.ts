// A receiver of files with a directory to receive them in.

import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FcopyStart } from "../../src/protocol/fcopy/request.ts";
import { DeviceFcopySession } from "../../src/protocol/fcopy/session.ts";
import { RequestError, type Status } from "../../src/protocol/status.ts";
import type { Ownership } from "../../src/services/fcopy/arriving-file.ts";
import { FileReceiver } from "../../src/services/fcopy/file-receiver.ts";
import type { Policy } from "../../src/services/fcopy/policy.ts";
import { abandonAfterTest } from "./open-receivers.ts";

export interface Receiving {
  readonly directory: string;
  readonly receiver: FileReceiver;
  /** How each transfer ended: `received`, or why not. */
  readonly ends: readonly string[];
  /** START for a file of so many bytes; `path` is the directory itself where none is given. */
  readonly start: (file: string, size: number, more?: Partial<FcopyStart>) => Promise<Status>;
  readonly write: (offset: number, data: string) => Promise<Status>;
  readonly end: (operation: "complete" | "cancel") => Promise<Status>;
  /** A whole copy. */
  readonly copy: (file: string, data: string, more?: Partial<FcopyStart>) => Promise<Status>;
  /** Names below the directory, the hidden ones too. */
  readonly names: () => string[];
}

export function receiving(
  policy: Partial<Policy> = {},
  ownership: Partial<Ownership> = {},
): Receiving {
  const directory = mkdtempSync(join(tmpdir(), "hvguest-fcopy-"));
  const ends: string[] = [];
  const receiver = new FileReceiver({
    policy: () => ({ allowed: [], denied: [], largestFile: 1n << 64n, ...policy }),
    ownership: () => ({ mode: undefined, uid: undefined, gid: undefined, ...ownership }),
    diversion: undefined,
    layout: new DeviceFcopySession().dataLayout,
    patienceMilliseconds: 60_000,
    onStarted: () => undefined,
    onEnded: (_transfer, _received, failure) => ends.push(failure ?? "received"),
  });
  abandonAfterTest(receiver);
  const awaited = new AbortController().signal;
  const ask = async (request: Parameters<FileReceiver["answer"]>[0]): Promise<Status> => {
    try {
      await receiver.answer(request, awaited);
      return 0;
    } catch (error) {
      if (error instanceof RequestError) {
        return error.status;
      }
      throw error;
    }
  };
  const start: Receiving["start"] = (fileName, size, more = {}) =>
    ask({
      operation: "start",
      fileName,
      pathName: directory,
      overWrite: false,
      createPath: false,
      fileSize: BigInt(size),
      ...more,
    });
  const write = (offset: number, data: string) =>
    ask({ operation: "write", offset: BigInt(offset), data: new TextEncoder().encode(data) });
  const end = (operation: "complete" | "cancel") => ask({ operation });
  return {
    directory,
    receiver,
    ends,
    start,
    write,
    end,
    copy: async (file, data, more) =>
      (await start(file, Buffer.byteLength(data), more)) ||
      (await write(0, data)) ||
      (await end("complete")),
    names: () => readdirSync(directory, { recursive: true, encoding: "utf8" }).toSorted(),
  };
}
