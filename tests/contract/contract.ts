// How the contract's tests are written: one body for all programs, or, where Linux's
// daemon and the executable differ, one for each with the difference in its name.

import { describe, test } from "bun:test";
import type { ServiceName } from "../../src/services/service.ts";
import { isPrivateMachine } from "../fake-kernel/vmbus.ts";
import { type DaemonProgram, hvguestDaemons, linuxDaemon } from "./daemons.ts";

const timeoutMilliseconds = 20_000;

export type ContractBody = (program: DaemonProgram) => Promise<void>;

export interface Difference {
  readonly linux: readonly [behaviour: string, body: ContractBody];
  readonly hvguest: readonly [behaviour: string, body: ContractBody];
}

export interface Contract {
  /** What every program does. */
  readonly both: (name: string, body: ContractBody) => void;
  /** What Linux's daemon does in one way and the executable in another. */
  readonly differs: (subject: string, difference: Difference) => void;
  /** What only the executable is asked for, with the reason. */
  readonly ours: (name: string, body: ContractBody) => void;
}

/**
 * Tests of one service, with the executable in each form or in those given; they need
 * tests/fake-kernel/private-machine.sh.
 */
export function contract(
  service: ServiceName,
  subject: string,
  define: (contract: Contract) => void,
  ourPrograms: readonly DaemonProgram[] = hvguestDaemons(service),
): void {
  describe.skipIf(!isPrivateMachine())(`${service}, ${subject}`, () => {
    const run = (program: DaemonProgram, name: string, body: ContractBody) =>
      test(`${program.title}: ${name}`, () => body(program), timeoutMilliseconds);
    define({
      both: (name, body) => {
        for (const program of [linuxDaemon(service), ...ourPrograms]) {
          run(program, name, body);
        }
      },
      differs: (differing, { linux, hvguest }) => {
        run(linuxDaemon(service), `${differing} ${linux[0]}`, linux[1]);
        for (const program of ourPrograms) {
          run(program, `${differing} ${hvguest[0]}`, hvguest[1]);
        }
      },
      ours: (name, body) => {
        for (const program of ourPrograms) {
          run(program, name, body);
        }
      },
    });
  });
}
