// Warnings that a host can cause as often as it likes.

import type { Log } from "../log.ts";

/** Shown of one connection; what comes after is logged as debug. */
const shown = 20;

/** Takes the warnings of one connection. The last one that is shown says that it is. */
export function limitedWarnings(log: Log): (text: () => string) => void {
  let count = 0;
  return (text) => {
    count += 1;
    if (count > shown) {
      log.debug(text);
    } else if (count === shown) {
      log.warning(`${text()} (more failures of this connection are shown at level debug)`);
    } else {
      log.warning(text());
    }
  };
}
