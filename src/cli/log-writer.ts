// The log of a process that must never wait for the reader of its standard error.

import { linePrefix } from "../log.ts";
import { native, type NativeLogWriter } from "../native/binding.ts";
import { callNative } from "../native/native-error.ts";

/** A queue in front of standard error, with a thread of its own. @throws NativeError */
export function logWriter(journal: boolean): NativeLogWriter {
  const noticePrefix = `${linePrefix("warning", journal)}log: `;
  return callNative(() => new (native().LogWriter)(noticePrefix));
}
