// QEMU's machine protocol: one command on a connection of its own.

import { createConnection } from "node:net";
import { createInterface } from "node:readline";

/**
 * Runs one QMP command and returns what QEMU returns.
 * @throws Error with QEMU's description when it refuses.
 */
export async function qmp(
  path: string,
  execute: string,
  parameters: Record<string, unknown> = {},
): Promise<unknown> {
  const socket = createConnection(path);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const ask = async (command: object): Promise<unknown> => {
    socket.write(`${JSON.stringify(command)}\n`);
    for (;;) {
      const line = await lines.next();
      if (line.done === true) {
        throw new Error(`qmp ${execute}: qemu has closed the connection`);
      }
      const answer: unknown = JSON.parse(line.value);
      if (typeof answer === "object" && answer !== null) {
        if ("return" in answer) {
          return answer.return;
        }
        if ("error" in answer) {
          throw new Error(`qmp ${execute}: ${JSON.stringify(answer.error)}`);
        }
      }
    }
  };
  try {
    await lines.next();
    await ask({ execute: "qmp_capabilities" });
    return await ask({ execute, arguments: parameters });
  } finally {
    socket.destroy();
  }
}
