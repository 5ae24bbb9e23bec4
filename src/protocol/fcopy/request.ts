// What a host asks of the file copy service.

import { viewOf } from "../wire/struct.ts";
import {
  doFcopy,
  FcopyFlag,
  FcopyOperation,
  fcopyHeader,
  fragmentBytes,
  startFcopy,
} from "./messages.ts";

/** START_FILE_COPY */
export interface FcopyStart {
  readonly operation: "start";
  readonly fileName: string;
  readonly pathName: string;
  readonly overWrite: boolean;
  readonly createPath: boolean;
  readonly fileSize: bigint;
}

export type FcopyRequest =
  | FcopyStart
  /** WRITE_TO_FILE; the data belong to the message. */
  | { readonly operation: "write"; readonly offset: bigint; readonly data: Uint8Array }
  | { readonly operation: "complete" }
  | { readonly operation: "cancel" }
  | FcopyRefused;

/** A request that cannot be done, whatever the state is. */
export interface FcopyRefused {
  readonly operation: "refused";
  /** A START_FILE_COPY: the host is done with the file before it all the same. */
  readonly isStart: boolean;
  readonly text: string;
}

/** The text of a name's area; undefined when it is none. */
export type NameDecoder = (area: Uint8Array) => string | undefined;

/** The request in the bytes behind the transport's header. Never throws. */
export function decodeRequest(body: Uint8Array, decodeName: NameDecoder): FcopyRequest {
  if (body.length < fcopyHeader.size) {
    return tooShort(fcopyHeader, body);
  }
  const { operation } = fcopyHeader.decode(body);
  switch (operation) {
    case FcopyOperation.start:
      return decodeStart(body, decodeName);
    case FcopyOperation.write:
      return decodeWrite(body);
    case FcopyOperation.complete:
      return { operation: "complete" };
    case FcopyOperation.cancel:
      return { operation: "cancel" };
    default:
      return refused(`operation ${operation} is unknown`);
  }
}

function decodeStart(body: Uint8Array, decodeName: NameDecoder): FcopyRequest {
  if (body.length < startFcopy.size) {
    return { ...tooShort(startFcopy, body), isStart: true };
  }
  const { fileName, pathName, copyFlags, fileSize } = startFcopy.decode(body);
  const file = decodeName(fileName);
  const path = decodeName(pathName);
  if (file === undefined || path === undefined) {
    return refusedStart("a name is not Unicode text");
  }
  return {
    operation: "start",
    fileName: file,
    pathName: path,
    overWrite: (copyFlags & FcopyFlag.overWrite) !== 0,
    createPath: (copyFlags & FcopyFlag.createPath) !== 0,
    fileSize,
  };
}

function decodeWrite(body: Uint8Array): FcopyRequest {
  if (body.length < doFcopy.size) {
    return tooShort(doFcopy, body);
  }
  const { offset, size } = doFcopy.read(viewOf(body), 0);
  if (size > fragmentBytes || size > body.length - doFcopy.size) {
    return refused(`a fragment of ${size} bytes in a message of ${body.length}`);
  }
  return { operation: "write", offset, data: body.subarray(doFcopy.size, doFcopy.size + size) };
}

function tooShort(type: { readonly name: string; readonly size: number }, body: Uint8Array) {
  return refused(`${type.name}: need ${type.size} bytes, got ${body.length}`);
}

/** A START that cannot be done. */
export function refusedStart(text: string): FcopyRefused {
  return { operation: "refused", isStart: true, text };
}

function refused(text: string): FcopyRefused {
  return { operation: "refused", isStart: false, text };
}
