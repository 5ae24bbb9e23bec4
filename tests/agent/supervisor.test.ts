import { expect, test } from "bun:test";
import { constants } from "node:os";
import { type ServiceState, supervise } from "../../src/agent/supervisor.ts";
import { NativeError } from "../../src/native/native-error.ts";
import type { Service } from "../../src/services/service.ts";
import { ChannelClosed, type MessageChannel } from "../../src/transport/channel.ts";
import { connectedChannel } from "../support/memory-channel.ts";
import { recordedLog } from "../support/recorded-log.ts";

/** How one connection goes. */
type Turn =
  | "absent"
  /** The kernel refuses to open. */
  | { readonly opens: Error }
  /** The service ends before it has registered. */
  | { readonly registers: Error }
  /** The service registers and ends later, at once by default. */
  | { readonly ends: Error; readonly afterSeconds?: number };

const busy = new NativeError("open '/dev/vmbus/hv_kvp'", constants.errno.EBUSY);
const gone = new ChannelClosed("'/dev/vmbus/hv_kvp' is gone");

interface Course {
  readonly states: readonly string[];
  readonly pauses: readonly number[];
  readonly lines: readonly string[];
  readonly channels: readonly MessageChannel[];
  readonly stops: number;
  readonly error: unknown;
}

/** Runs the turns, then lets the service be registered until it is aborted. */
async function course(turns: readonly Turn[], firstFaultEnds = false): Promise<Course> {
  const [log, lines] = recordedLog("kvp", "info");
  const stop = new AbortController();
  const states: string[] = [];
  const pauses: number[] = [];
  const channels: MessageChannel[] = [];
  const left = [...turns];
  const closed: boolean[] = [];
  let stops = 0;
  let generation = 0;
  let clock = 0;

  const service: Service = {
    name: "kvp",
    status: () => "registered",
    connect: () => {
      const turn = left[0];
      if (turn === "absent") {
        left.shift();
        return Promise.resolve(undefined);
      }
      if (turn !== undefined && "opens" in turn) {
        left.shift();
        return Promise.reject(turn.opens);
      }
      const [channel, far] = connectedChannel();
      const index = closed.push(false) - 1;
      channels.push(channel);
      return Promise.resolve({
        ...channel,
        close: () => {
          channel.close();
          closed[index] = far.isClosed;
        },
      });
    },
    serve: async (channel, ready, signal) => {
      const turn = left.shift();
      if (turn !== undefined && typeof turn === "object" && "registers" in turn) {
        throw turn.registers;
      }
      ready();
      if (turn !== undefined && typeof turn === "object" && "ends" in turn) {
        clock += (turn.afterSeconds ?? 0) * 1000;
        throw turn.ends;
      }
      queueMicrotask(() => stop.abort());
      await channel.receive(signal);
    },
    stop: () => {
      stops += 1;
      return Promise.resolve();
    },
  };
  const error: unknown = await supervise({
    service,
    devices: {
      get generation() {
        return generation;
      },
      after: () => {
        generation += 1;
        return Promise.resolve();
      },
    },
    log,
    signal: stop.signal,
    firstFaultEnds,
    onState: (state: ServiceState) =>
      states.push(state.phase === "failed" ? `failed: ${state.reason}` : state.phase),
    pause: (seconds) => {
      pauses.push(seconds);
      return Promise.resolve();
    },
    now: () => clock,
  }).catch((reason: unknown) => reason);
  expect(closed).toEqual(closed.map(() => true));
  return { states, pauses, lines, channels, stops, error };
}

test("a service that is offered is registered, and stopped once at the end", async () => {
  const { states, pauses, lines, stops, error } = await course([]);
  expect(states).toEqual(["registered"]);
  expect(pauses).toEqual([]);
  expect(lines).toEqual([]);
  expect(stops).toBe(1);
  expect(error).toBeUndefined();
});

test("a service that is not offered waits for devices to change, without pauses", async () => {
  const { states, pauses, lines } = await course(["absent", "absent"]);
  expect(states).toEqual(["waiting", "waiting", "registered"]);
  expect(pauses).toEqual([]);
  expect(lines).toEqual([]);
});

test("a withdrawn service is told in a notice and looked for again", async () => {
  const { states, pauses, lines } = await course([{ ends: gone }, "absent", { ends: gone }]);
  expect(states).toEqual(["registered", "waiting", "registered", "registered"]);
  expect(pauses).toEqual([]);
  expect(lines).toEqual([
    "notice: kvp: '/dev/vmbus/hv_kvp' is gone",
    "notice: kvp: '/dev/vmbus/hv_kvp' is gone",
  ]);
});

test("a fault of a registered service is followed by another registration at once", async () => {
  const late = { ends: new Error("the answer took 31 s"), afterSeconds: 31 };
  const { states, pauses, lines } = await course([late, late]);
  expect(states).toEqual([
    "registered",
    "failed: the answer took 31 s",
    "registered",
    "failed: the answer took 31 s",
    "registered",
  ]);
  expect(pauses).toEqual([0, 0]);
  expect(lines[0]).toBe("warning: kvp: the answer took 31 s, registering again");
});

test("a service that fails as soon as it is registered is tried at once only once", async () => {
  const soon = { ends: new Error("a message of 0 bytes") };
  const { pauses } = await course([soon, soon, soon, { ...soon, afterSeconds: 1 }, soon, soon]);
  expect(pauses).toEqual([0, 1, 1, 0, 0, 1]);
});

test("faults without a registration between them make growing pauses, up to a minute", async () => {
  const faults: Turn[] = Array.from({ length: 9 }, () => ({ opens: busy }));
  const { pauses, lines, states } = await course([...faults, { ends: busy }, { opens: busy }]);
  expect(pauses).toEqual([0, 1, 2, 5, 10, 30, 60, 60, 60, 0, 1]);
  expect(lines[2]).toBe(`warning: kvp: ${busy.message}, trying again in 2 s`);
  expect(states[0]).toBe(`failed: ${busy.message}`);
});

test("a device that opens but ends before the registration is not tried in a tight loop", async () => {
  const turns: Turn[] = Array.from({ length: 3 }, () => ({ registers: gone }));
  const { pauses, states } = await course(turns);
  expect(pauses).toEqual([0, 1, 2]);
  expect(states).toEqual(["registered"]);
});

test("where the first fault is to end it, it ends with its error, stopped", async () => {
  const { states, pauses, stops, error } = await course([{ opens: busy }], true);
  expect(states).toEqual([`failed: ${busy.message}`]);
  expect(pauses).toEqual([]);
  expect(stops).toBe(1);
  expect(error).toBe(busy);
});

test("a fault after the first registration does not end it", async () => {
  const { states, error } = await course(["absent", { ends: gone }, { opens: busy }], true);
  expect(states.at(-1)).toBe("registered");
  expect(error).toBeUndefined();
});

test("an abort during a pause ends it at once", async () => {
  const [log] = recordedLog("kvp");
  const stop = new AbortController();
  let stops = 0;
  const ended = supervise({
    service: {
      name: "kvp",
      status: () => "",
      connect: () => Promise.reject(busy),
      serve: () => Promise.reject(new Error("not reached")),
      stop: () => {
        stops += 1;
        return Promise.resolve();
      },
    },
    devices: { generation: 0, after: () => Promise.resolve() },
    log,
    signal: stop.signal,
    firstFaultEnds: false,
    onState: ({ phase }) => {
      if (phase === "failed") {
        setImmediate(() => stop.abort());
      }
    },
  });
  await ended;
  expect(stops).toBe(1);
});
