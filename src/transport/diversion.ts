// The diversion of a native channel, in the terms of channel.ts.

import type { NativeDiverter } from "../native/binding.ts";
import { callNative } from "../native/native-error.ts";
import type { Diversion } from "./channel.ts";

export function diversionOf(channel: NativeDiverter): Diversion {
  return {
    begin: (rule) => callNative(() => channel.divert(rule)),
    bytes: () => channel.diverted(),
    failure: () => channel.diversionFailure(),
    end: () => channel.endDiversion(),
  };
}
