// Receivers whose unfinished file is dropped at the end of a test: the collector
// would close its descriptors, with an error.

import { afterEach } from "bun:test";
import type { FileReceiver } from "../../src/services/fcopy/file-receiver.ts";

const receivers = new Set<FileReceiver>();

/** Drops what the receiver has open when the test is over. */
export function abandonAfterTest(receiver: FileReceiver): void {
  receivers.add(receiver);
}

afterEach(async () => {
  for (const receiver of receivers) {
    await receiver.abandon("the test is over");
  }
  receivers.clear();
});
